"""From uint8 images to what a network takes: other channels, normalized, and of another size."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

IMAGENET_MEAN, IMAGENET_STD = (123.675, 116.28, 103.53), (58.395, 57.12, 57.375)  # torchvision's, times 255
CLIP_MEAN, CLIP_STD = (122.7709383, 116.7460125, 104.09373615), (68.5005327, 66.6321579, 70.32316305)  # times 255
OF_COLOUR = frozenset({"imagenet", "clip", "caffe"})  # modes of `Recipe.normalize` with a constant for each colour
CAFFE_MEAN = (103.939, 116.779, 123.68)  # blue, green, red: Keras applications' "caffe" mode


def input_channels(stored: int, normalize: str) -> int:
    """Return the channels of the network's input: three for gray images too, where each colour is treated apart."""
    return 3 if normalize in OF_COLOUR else stored


class Preprocess:
    """Makes uint8 images (B, H, W, C) into a network's input (B, channels, size, size), in channels-last memory.

    Args:
        shape: (H, W, C) of the stored images.
        normalize: a mode of `Recipe.normalize`, `auto` left out.
        statistics: mean and deviation per channel of the training images, for the mode `dataset`.
        channels: of the network's input; gray images are repeated where it is 3.
        size: side of the network's input in pixels; images are resized, bilinearly, where theirs is another.
    """

    def __init__(
        self,
        shape: tuple[int, int, int],
        normalize: str,
        statistics: tuple[Sequence[float], Sequence[float]],
        channels: int,
        size: int,
        device: torch.device,
        dtype: torch.dtype = torch.float32,
    ) -> None:
        self._normalize = normalize
        self._size = size
        self._dtype = dtype
        self._channels = channels
        mean, deviation = _constants(normalize, statistics, channels)
        pixels = shape[0] * shape[1]
        # One value per pixel rather than per channel: the loop over a whole image runs five times as fast.
        self._scale = torch.tensor([1 / max(d, 1e-6) for d in deviation], device=device).repeat(pixels)
        self._offset = torch.tensor([-m / max(d, 1e-6) for m, d in zip(mean, deviation, strict=True)], device=device)
        self._offset = self._offset.repeat(pixels)

    def __call__(self, images: Tensor) -> Tensor:
        """Return the network's input for a batch."""
        count, height, width, channels = images.shape
        if channels < self._channels:
            images = images.expand(count, height, width, self._channels)
        if self._normalize == "caffe":
            images = images.flip(3)
        flat = torch.addcmul(self._offset, images.reshape(count, -1), self._scale)
        if self._normalize == "per-image":
            least = flat.shape[1] ** -0.5  # as tf.image.per_image_standardization, for images of one colour
            flat = (flat - flat.mean(1, keepdim=True)) / flat.std(1, correction=0, keepdim=True).clamp_min(least)
        pixels = flat.view(count, height, width, -1).permute(0, 3, 1, 2)
        if (height, width) != (self._size, self._size):
            shrinks = min(height, width) > self._size
            pixels = functional.interpolate(
                pixels, (self._size, self._size), mode="bilinear", align_corners=False, antialias=shrinks
            )
        return pixels.to(self._dtype, memory_format=torch.channels_last)


def _constants(
    normalize: str, statistics: tuple[Sequence[float], Sequence[float]], channels: int
) -> tuple[Sequence[float], Sequence[float]]:
    mean, deviation = {
        "dataset": statistics,
        "unit": ((0.0,), (255.0,)),
        "per-image": ((0.0,), (1.0,)),
        "tf": ((127.5,), (127.5,)),
        "imagenet": (IMAGENET_MEAN, IMAGENET_STD),
        "clip": (CLIP_MEAN, CLIP_STD),
        "caffe": (CAFFE_MEAN, (1.0,)),
    }[normalize]
    return _spread(mean, channels), _spread(deviation, channels)


def _spread(values: Sequence[float], channels: int) -> Sequence[float]:
    """Return one value per channel: constants for colour are averaged for gray, and one for gray is repeated."""
    if len(values) == channels:
        return values
    return [float(np.mean(values))] * channels
