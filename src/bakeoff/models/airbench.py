"""The network that learns CIFAR-10 to 94 % in seconds of a GPU."""

import torch
from torch import Tensor, nn

from bakeoff.models import network
from bakeoff.models.layers import GlobalMaxPool, UnscaledBatchNorm2d, keras_sequential, named
from bakeoff.models.stages import Classifier, Stages
from bakeoff.models.whitening import Whitening

_SOURCE = "Jordan 2024, 94% on CIFAR-10 in 3.29 seconds on a single GPU (arXiv:2404.00498)"


class ScaledLinear(nn.Linear):
    """A dense layer without biases, drawn with unit variance, whose outputs are divided by the number of its inputs."""

    def __init__(self, in_features: int, out_features: int) -> None:
        super().__init__(in_features, out_features, bias=False)
        with torch.no_grad():
            self.weight /= self.weight.std()

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in_features) to (batch, out_features)."""
        return super().forward(x) / self.in_features


@network("airbench94", min_size=9, source=_SOURCE)
def airbench94(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001, any size fits
    """Whitened patches, then three pairs of convolutions begun as identities; 2 million parameters.

    Kernels pass their input on at first (Dirac), normalization has biases and no scales, and its averages are of the
    last few batches. At 32 pixels the last maps are 3x3, so that the pooling over all of them is the paper's.
    """
    whitening = Whitening(in_channels)
    stages: dict[str, nn.Module] = {"whiten": whitening, "whiten_gelu": nn.GELU()}
    channels = whitening.channels
    for group, width in enumerate((64, 256, 256), 1):
        stages[f"group{group}"] = named(
            {
                "conv1": _convolution(channels, width),
                "pool": nn.MaxPool2d(2),
                "norm1": _norm(width),
                "gelu1": nn.GELU(),
                "conv2": _convolution(width, width),
                "norm2": _norm(width),
                "gelu2": nn.GELU(),
            }
        )
        channels = width
    return Classifier(Stages(stages), keras_sequential(GlobalMaxPool(), ScaledLinear(channels, num_classes)))


def _convolution(in_channels: int, channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(in_channels, channels, 3, padding="same", bias=False)
    nn.init.dirac_(layer.weight.data[:in_channels])
    return layer


def _norm(channels: int) -> nn.BatchNorm2d:
    return UnscaledBatchNorm2d(channels, eps=1e-12, momentum=0.4)
