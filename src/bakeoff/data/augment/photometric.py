"""Augmentations that change colours."""

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from bakeoff.data.augment import augmentations, check_amount

# Principal components of ImageNet's RGB pixels in [0, 1]: eigenvalues and eigenvectors (in columns), as published
# with the PCA colour augmentation of Krizhevsky et al. 2012, section 4.1.
PCA_VALUES = (0.2175, 0.0188, 0.0045)
PCA_VECTORS = ((-0.5675, 0.7192, 0.4009), (-0.5808, -0.0045, -0.8140), (-0.5836, -0.6948, 0.4203))


@augmentations.register("brightness")
@dataclass(frozen=True)
class Brightness:
    """Multiply each image by a factor drawn from 1 - `amount` to 1 + `amount`."""

    mixes: ClassVar[bool] = False
    amount: float = 0.1

    def __post_init__(self) -> None:
        check_amount("brightness", self.amount, 1)

    def __call__(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return brighter and darker images; see `Augmentation`."""
        return _to_uint8(images * _factor(images, self.amount, generator)), targets


@augmentations.register("contrast")
@dataclass(frozen=True)
class Contrast:
    """Move each image's pixels away from or towards their mean by a factor from 1 - `amount` to 1 + `amount`."""

    mixes: ClassVar[bool] = False
    amount: float = 0.1

    def __post_init__(self) -> None:
        check_amount("contrast", self.amount, 1)

    def __call__(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return images of more and less contrast; see `Augmentation`."""
        pixels = images.float()
        mean = pixels.mean(dim=(1, 2, 3), keepdim=True)
        return _to_uint8(mean + (pixels - mean) * _factor(images, self.amount, generator)), targets


@augmentations.register("pca-colour")
@dataclass(frozen=True)
class PCAColour:
    """Add to each image's colour a random multiple of ImageNet's principal components, of deviation `amount`.

    The method is that of Krizhevsky et al. 2012, section 4.1. Gray images change in brightness alone.
    """

    mixes: ClassVar[bool] = False
    amount: float = 0.1

    def __post_init__(self) -> None:
        check_amount("pca-colour", self.amount)

    def __call__(self, images: Tensor, targets: Tensor, generator: torch.Generator) -> tuple[Tensor, Tensor]:
        """Return recoloured images; see `Augmentation`."""
        vectors = torch.tensor(PCA_VECTORS, device=images.device)
        values = torch.tensor(PCA_VALUES, device=images.device)
        alpha = torch.randn(len(images), 3, generator=generator, device=images.device) * self.amount
        shift = 255 * (alpha * values) @ vectors.T
        if images.shape[3] == 1:
            shift = shift.mean(dim=1, keepdim=True)
        return _to_uint8(images + shift[:, None, None, :]), targets


def _factor(images: Tensor, amount: float, generator: torch.Generator) -> Tensor:
    drawn = torch.rand(len(images), 1, 1, 1, generator=generator, device=images.device)
    return 1 + amount * (2 * drawn - 1)


def _to_uint8(pixels: Tensor) -> Tensor:
    return pixels.round_().clamp_(0, 255).to(torch.uint8)
