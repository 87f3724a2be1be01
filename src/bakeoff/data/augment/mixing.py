"""Augmentations that hide a part of an image, or mix it with another of the batch."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bakeoff.data.augment import augmentations, check_amount


@augmentations.register("cutout")
@dataclass(frozen=True)
class Cutout:
    """Blacken in each image a square with sides of `amount` of the image's (DeVries and Taylor 2017, arXiv:1708.04552).

    The centre may lie anywhere in the image, so that a part of the square can fall outside, as in the paper.
    """

    mixes: ClassVar[bool] = False
    amount: float = 0.5

    def __post_init__(self) -> None:
        check_amount("cutout", self.amount, 1)

    def __call__(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return images with a black square; see `Augmentation`."""
        sides = torch.full((len(images),), self.amount, device=images.device)
        return images.masked_fill(_boxes(images, sides, generator), 0), targets


@augmentations.register("mixup")
@dataclass(frozen=True)
class Mixup:
    """Average each image and its target with another's, weighted by Beta(`amount`, `amount`) (arXiv:1710.09412)."""

    mixes: ClassVar[bool] = True
    amount: float = 0.2

    def __post_init__(self) -> None:
        check_amount("mixup", self.amount)

    def __call__(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return mixed images and targets; see `Augmentation`."""
        partner = _partners(images, generator)
        share = _beta(self.amount, images, generator)
        pixel_share = share[:, None, None, None]
        mixed = images * pixel_share + images[partner] * (1 - pixel_share)
        return mixed.round_().to(torch.uint8), _mix(targets, targets[partner], share)


@augmentations.register("cutmix")
@dataclass(frozen=True)
class CutMix:
    """Paste into each image a box from another, and mix the targets by area (Yun et al. 2019, arXiv:1905.04899)."""

    mixes: ClassVar[bool] = True
    amount: float = 1.0

    def __post_init__(self) -> None:
        check_amount("cutmix", self.amount)

    def __call__(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return images with a pasted box, and mixed targets; see `Augmentation`."""
        partner = _partners(images, generator)
        box = _boxes(images, (1 - _beta(self.amount, images, generator)).sqrt(), generator)
        share = 1 - box.float().mean(dim=(1, 2, 3))
        return torch.where(box, images[partner], images), _mix(targets, targets[partner], share)


def _mix(targets: Tensor, others: Tensor, share: Tensor) -> Tensor:
    return targets * share[:, None] + others * (1 - share[:, None])


def _partners(images: Tensor, generator: torch.Generator) -> Tensor:
    return torch.randperm(len(images), generator=generator, device=images.device)


def _beta(alpha: float, images: Tensor, generator: torch.Generator) -> Tensor:
    """Draw Beta(alpha, alpha) for each image as a ratio of gamma variates, which take a generator."""
    shape = torch.full((2, len(images)), alpha, device=images.device)
    gamma: Tensor = torch._standard_gamma(shape, generator=generator).clamp_min(1e-30)
    return gamma[0] / gamma.sum(0)


def _boxes(images: Tensor, sides: Tensor, generator: torch.Generator) -> Tensor:
    """Return a mask (B, H, W, 1) of one box an image, with sides (B,) as shares of the image's, at a random centre."""
    inside = torch.ones((), dtype=torch.bool, device=images.device)
    for axis, length in ((1, images.shape[1]), (2, images.shape[2])):
        centre = torch.randint(length, (len(images),), generator=generator, device=images.device)
        size = (sides * length).round()
        first = (centre - size.div(2, rounding_mode="floor"))[:, None]
        place = torch.arange(length, device=images.device)[None, :]
        along = (place >= first) & (place < first + size[:, None])
        inside = inside & (along[:, :, None, None] if axis == 1 else along[:, None, :, None])
    return inside
