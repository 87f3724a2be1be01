"""Simple corruptions of test images, at three severities each.

The protocol is that of Hendrycks & Dietterich 2019 (arXiv:1903.12261): the clean network is judged on corrupted images
that it was not trained for. The corruptions are our own: fewer, milder, and scaled with the side of the images, so that
figures do not compare with those of ImageNet-C or CIFAR-10-C.
"""

import math
from collections.abc import Callable
from io import BytesIO

import numpy as np
import torch
from PIL import Image
from torch import Tensor

from bakeoff.data.pipeline import mix_seed

SEVERITIES = (1, 2, 3)
CHUNK = 500  # images that share a generator
_SEED = 20190326


def corrupt(images: Tensor, name: str, severity: int, chunk: int) -> Tensor:
    """Return corrupted copies of a chunk of the test images.

    They depend on these arguments alone, and are computed on the CPU: every model, seed and device sees the same.

    Args:
        images: uint8, shape (B, H, W, C), on the CPU.
        name: a key of `CORRUPTIONS`.
        severity: 1, 2 or 3.
        chunk: the number of the chunk.
    """
    generator = torch.Generator().manual_seed(mix_seed(_SEED, list(CORRUPTIONS).index(name), severity, chunk))
    return CORRUPTIONS[name](images, severity, generator)


def noise(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Add normal noise of 4, 8 or 12 % of the range."""
    return _to_uint8(images + torch.randn(images.shape, generator=generator) * (0.04 * 255 * severity))


def blur(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:  # noqa: ARG001
    """Blur with a Gaussian whose deviation is 1, 2 or 3 64ths of the smaller side, and at least as many half pixels."""
    from torchvision.transforms.v2 import functional

    side = min(images.shape[1:3])
    deviation = severity * max(side / 64, 0.5)
    reach = min(math.ceil(3 * deviation), side - 1)
    blurred: Tensor = functional.gaussian_blur(images.permute(0, 3, 1, 2), [2 * reach + 1] * 2, [deviation] * 2)
    return blurred.permute(0, 2, 3, 1).contiguous()


def brightness(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Make each image brighter or darker, at random, by 10, 20 or 30 % of the range."""
    return _to_uint8(images + _signs(images, generator)[:, None, None, None] * (0.1 * 255 * severity))


def contrast(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:  # noqa: ARG001
    """Move the pixels of each image to their mean, so that 60, 40 or 20 % of the differences are left."""
    pixels = images.float()
    mean = pixels.mean((1, 2, 3), keepdim=True)
    return _to_uint8(mean + (pixels - mean) * (0.8 - 0.2 * severity))


def shift(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:
    """Move each image along both axes, each way at random, by 1, 2 or 3 16ths of its side, or pixels; edges repeat."""
    count, height, width = images.shape[:3]
    moved = [
        (torch.arange(side) + (_signs(images, generator) * max(severity, round(side * severity / 16)))[:, None])
        for side in (height, width)
    ]
    rows, columns = (of.long().clamp(0, side - 1) for of, side in zip(moved, (height, width), strict=True))
    return images[torch.arange(count)[:, None, None], rows[:, :, None], columns[:, None, :]]


def jpeg(images: Tensor, severity: int, generator: torch.Generator) -> Tensor:  # noqa: ARG001
    """Store each image as a JPEG of quality 50, 25 or 10."""
    return torch.from_numpy(np.stack([_through_jpeg(one, (50, 25, 10)[severity - 1]) for one in images.numpy()]))


CORRUPTIONS: dict[str, Callable[[Tensor, int, torch.Generator], Tensor]] = {
    function.__name__: function for function in (noise, blur, brightness, contrast, shift, jpeg)
}


def _through_jpeg(image: np.ndarray, quality: int) -> np.ndarray:
    buffer = BytesIO()
    Image.fromarray(image[..., 0] if image.shape[2] == 1 else image).save(buffer, "JPEG", quality=quality)
    with Image.open(buffer) as stored:
        return np.asarray(stored).reshape(image.shape)


def _signs(images: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randint(0, 2, (len(images),), generator=generator) * 2 - 1


def _to_uint8(pixels: Tensor) -> Tensor:
    return pixels.round_().clamp_(0, 255).to(torch.uint8)
