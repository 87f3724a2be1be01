"""Mirror images that alternate over epochs."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bakeoff.data.augment import augmentations


@augmentations.register("alternating-flip")
@dataclass(frozen=True)
class AlternatingFlip:
    """Mirror each image left to right in every second epoch; which half of them begins is drawn by the seed.

    So two epochs see both views of every image, where random flips show one of them twice half the time. An image is
    known by its pixels: in a list of augmentations this one comes first.

    Source: Jordan 2024 (arXiv:2404.00498), section 3.6.
    """

    mixes: ClassVar[bool] = False

    def __call__(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return images of which a half, drawn at random, are mirrored: what any one epoch looks like."""
        return _mirrored(images, torch.rand(len(images), generator=generator, device=images.device) < 0.5), targets

    def in_epoch(self, epoch: int, seed: int) -> "Mirrored":
        """Return what is done in an epoch, counted from 0, of a run with that seed."""
        return Mirrored(bool(epoch % 2), seed)


@dataclass(frozen=True)
class Mirrored:
    """One epoch of `AlternatingFlip`."""

    mixes: ClassVar[bool] = False
    odd: bool
    seed: int

    def __call__(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:  # noqa: ARG002
        """Return the images, of which this epoch's half are mirrored; see `Augmentation`."""
        sums = images.flatten(1).sum(1, dtype=torch.int64)
        mixed = (sums + self.seed) * 2654435761 % 2**32  # Knuth's multiplicative hash
        return _mirrored(images, (mixed >= 2**31) != self.odd), targets


def _mirrored(images: Tensor, chosen: Tensor) -> Tensor:
    return torch.where(chosen[:, None, None, None], images.flip(2), images)
