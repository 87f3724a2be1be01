"""A first layer whose fixed kernels take the correlations of neighbouring pixels out of images."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

IMAGES = 5000  # whose patches are enough to estimate covariances
_LEAST_VARIANCE = 5e-4  # added to every one, so that directions of mere noise are not blown up


class Whitening(nn.Module):
    """A convolution onto the principal directions of small patches, each scaled to unit variance, and their negatives.

    The kernels are fixed; the biases are trained. Until `fit` has seen images the kernels are drawn at random.

    Args:
        in_channels: of the images.
        size: side of a patch in pixels.

    Source: Jordan 2024 (arXiv:2404.00498), section 3.2, after Page 2019, How to train your ResNet 8.
    """

    def __init__(self, in_channels: int, size: int = 2) -> None:
        super().__init__()
        self.size = size
        self.channels = 2 * in_channels * size**2
        self.register_buffer("kernel", nn.init.orthogonal_(torch.empty(self.channels, in_channels, size, size)))
        self.bias = nn.Parameter(torch.zeros(self.channels))

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, channels, height, width) to maps that are `size` - 1 pixels smaller."""
        return functional.conv2d(x, self.get_buffer("kernel"), self.bias)

    @torch.no_grad()
    def fit(self, images: Tensor) -> None:
        """Set the kernels by the patches of normalized images (batch, channels, height, width)."""
        patches = functional.unfold(images.float().contiguous(), self.size).transpose(1, 2).flatten(0, 1)
        variances, directions = torch.linalg.eigh((patches.T @ patches / len(patches)).cpu())
        scaled = directions.T / (variances[:, None] + _LEAST_VARIANCE).sqrt()
        kernel = self.get_buffer("kernel")
        kernel.copy_(torch.cat([scaled, -scaled]).view_as(kernel))


def fit_whitening(model: nn.Module, images: Callable[[], Tensor]) -> None:
    """Fit the whitening layer of a network, if it has one, to normalized images, which are made only then."""
    for layer in model.modules():
        if isinstance(layer, Whitening):
            layer.fit(images())
