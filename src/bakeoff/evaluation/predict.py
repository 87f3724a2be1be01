"""Logits of every image, in order."""

from collections.abc import Iterable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

Logits = NDArray[np.float32]


def images_at_once(size: int) -> int:
    """Return how many images of `size` pixels a network is evaluated on at a time: as many as fit in memory."""
    return max(16, min(500, 500 * 64**2 // size**2))


@torch.inference_mode()
def predict(model: nn.Module, inputs: Iterable[Tensor], autocast: torch.autocast, *, flip: bool = False) -> Logits:
    """Return the logits, shape (N, K), of all inputs, with the model in evaluation mode.

    Args:
        model: left in the mode in which it was.
        inputs: batches that the model takes.
        autocast: the precision to run in.
        flip: test-time augmentation: the mean of the logits of each image and of its mirror image.
    """
    was_training = model.training
    model.eval()
    found = []
    with autocast:
        for images in inputs:
            logits = model(images).float()
            if flip:
                logits = (logits + model(images.flip(3)).float()) / 2
            found.append(logits)
    model.train(was_training)
    return torch.cat(found).cpu().numpy()
