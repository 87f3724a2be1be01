"""Smaller images in the first epochs."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from bakeoff.errors import ModelError
from bakeoff.specs.recipe import Recipe


class Progressive:
    """Makes a batch's images into the model's input, and shrinks it in the first epochs where a recipe says so.

    Args:
        prepare: makes images into the input, (batch, channels, size, size).
        recipe: whose `progressive` it follows.
    """

    def __init__(self, prepare: Callable[[Tensor], Tensor], recipe: Recipe) -> None:
        self._prepare = prepare
        self._spec = recipe.progressive
        self._small = False

    def begin(self, epoch: int) -> None:
        """Take the size of an epoch, counted from 0."""
        self._small = self._spec is not None and epoch < self._spec.epochs

    def __call__(self, images: Tensor) -> Tensor:
        """Return the input in the size of this epoch."""
        pixels = self._prepare(images)
        if not self._small:
            return pixels
        assert self._spec, "only a spec makes it small"
        side = small_side(pixels.shape[3], self._spec.scale)
        small = functional.interpolate(pixels, (side, side), mode="bilinear", align_corners=False, antialias=True)
        return small.contiguous(memory_format=torch.channels_last)


def small_side(size: int, scale: float) -> int:
    """Return the side in pixels of the smaller images."""
    return max(1, round(size * scale))


def check_small(model: nn.Module, channels: int, size: int, recipe: Recipe) -> None:
    """Raise `ModelError` where a network takes images of one size alone, and the recipe has smaller ones too."""
    if recipe.progressive is None:
        return
    side = small_side(size, recipe.progressive.scale)
    # Tensors on the meta device have shapes but no values: nothing is computed.
    weights = {name: tensor.to("meta") for name, tensor in model.state_dict().items()}
    try:
        functional_call(model, weights, torch.empty(2, channels, side, side, device="meta"))
    except RuntimeError:
        raise ModelError(
            f"the network takes no images of {side} pixels, to which the recipe {recipe.name!r} shrinks those of "
            f"{size} in its first epochs; choose one that pools over all pixels before its dense layers, a larger "
            "progressive.scale, or progressive: null"
        ) from None
