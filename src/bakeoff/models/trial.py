"""One black image through a network, to see what it does, leaving it as it was."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import nn

from bakeoff.errors import ModelError


def trial(model: nn.Module, in_channels: int, image_size: int, name: str = "") -> Any:
    """Return what a network gives for one black image, in evaluation mode and without gradients.

    Args:
        model: the network. Its weights, statistics and modes are left as they are.
        in_channels: channels of the image.
        image_size: height and width of the image in pixels.
        name: what to call the network in an error; by default its class.

    Raises:
        ModelError: if the network cannot take such an image.
    """
    weight = next(model.parameters(), torch.empty(0))
    image = torch.zeros(1, in_channels, image_size, image_size, device=weight.device, dtype=weight.dtype)
    try:
        with _evaluating(model), torch.no_grad():
            return model(image)
    except Exception as error:  # a foreign network may raise anything
        raise ModelError(
            f"{name or type(model).__name__} cannot take images of {image_size}x{image_size} pixels with "
            f"{in_channels} channels ({reason(error)}); give it another image_size"
        ) from error


def reason(error: Exception) -> str:
    """Return the first line of an error, or its kind where it has no message."""
    return str(error).strip().partition("\n")[0] or type(error).__name__


@contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """Put every layer in evaluation mode, and back in its own mode afterwards."""
    modes = {layer: layer.training for layer in model.modules()}
    model.eval()
    try:
        yield
    finally:
        for layer, mode in modes.items():
            layer.training = mode
