"""Logits of every image, in order."""

from collections.abc import Iterable, Iterator

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

Logits = NDArray[np.float32]


def images_at_once(size: int) -> int:
    """Return how many images of `size` pixels a network is evaluated on at a time: as many as fit in memory."""
    return max(16, min(500, 500 * 64**2 // size**2))


@torch.inference_mode()
def predict(model: nn.Module, inputs: Iterable[Tensor], autocast: torch.autocast, *, tta: str = "none") -> Logits:
    """Return the logits, shape (N, K), of all inputs, with the model in evaluation mode.

    Args:
        model: left in the mode in which it was.
        inputs: batches that the model takes.
        autocast: the precision to run in.
        tta: test-time augmentation, as in a `Protocol`: the mean of the logits of several views of each image.
    """
    was_training = model.training
    model.eval()
    found = []
    with autocast:
        for images in inputs:
            logits = sum(share * model(view).float() for share, view in _views(images, tta))
            assert isinstance(logits, Tensor), "there is a view"
            found.append(logits)
    model.train(was_training)
    return torch.cat(found).cpu().numpy()


def _views(images: Tensor, tta: str) -> Iterator[tuple[float, Tensor]]:
    """Yield views of images (B, C, H, W), with shares that add up to 1.

    `flip+shift` has each image half as it is and half moved by one pixel, up and left or down and right, and every view
    mirrored as well (Jordan 2024, arXiv:2404.00498, section 3.5).
    """
    shares = [(1.0, images)]
    if tta == "flip+shift":
        height, width = images.shape[2:]
        padded = functional.pad(images, (1, 1, 1, 1), "reflect")
        shares = [(0.5, images), (0.25, padded[:, :, :height, :width]), (0.25, padded[:, :, 2:, 2:])]
    for share, view in shares:
        if tta == "none":
            yield share, view
        else:
            yield share / 2, view
            yield share / 2, view.flip(3)
