"""The networks that learn CIFAR-10 to 94, 95 and 96 % in seconds of a GPU."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from bakeoff.errors import ModelError
from bakeoff.models import network
from bakeoff.models.layers import GlobalMaxPool, UnscaledBatchNorm2d, keras_sequential, named
from bakeoff.models.stages import Classifier, Stages
from bakeoff.models.whitening import Whitening

_SOURCE = "Jordan 2024, 94% on CIFAR-10 in 3.29 seconds on a single GPU (arXiv:2404.00498)"
_FAST, _USUAL = 0.4, 0.1  # weight of the last batch in the averages of normalization


class ScaledLinear(nn.Linear):
    """A dense layer without biases, whose outputs are multiplied by a constant."""

    def __init__(self, in_features: int, out_features: int, scale: float) -> None:
        super().__init__(in_features, out_features, bias=False)
        self.scale = scale

    def forward(self, x: Tensor) -> Tensor:
        """Map (batch, in_features) to (batch, out_features)."""
        return super().forward(x) * self.scale


class Residual(nn.Module):
    """Layers beside a shortcut."""

    def __init__(self, branch: nn.Module) -> None:
        super().__init__()
        self.branch = branch

    def forward(self, x: Tensor) -> Tensor:
        """Return the input and what the layers make of it, added."""
        out: Tensor = x + self.branch(x)
        return out


@network("airbench94", min_size=9, source=_SOURCE)
def airbench94(num_classes: int, in_channels: int, image_size: int, *, width: float = 1.0) -> nn.Module:  # noqa: ARG001
    """Whitened patches, then three pairs of convolutions begun as identities; 2 million parameters.

    Kernels pass their input on at first (Dirac), normalization has biases and no scales, and its averages are of the
    last few batches. At 32 pixels the last maps are 3x3, so that the pooling over all of them is the paper's.
    `width` is a factor of the filters.
    """
    widths = [round(filters * width) for filters in (64, 256, 256)]
    if min(widths) < 1:
        raise ModelError(f"the option width of airbench94 is a factor of 64, 256 and 256 filters; got {width!r}")
    backbone = _backbone(in_channels, widths, _FAST)
    head = ScaledLinear(widths[-1], num_classes, 1 / widths[-1])
    with torch.no_grad():
        head.weight /= head.weight.std()
    return Classifier(backbone, keras_sequential(GlobalMaxPool(), head))


@network("airbench95", min_size=9, source=_SOURCE)
def airbench95(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001, any size fits
    """`airbench94` with 128, 384 and 384 filters, and a classifier as torch draws it; 4.6 million parameters."""
    backbone = _backbone(in_channels, (128, 384, 384), _FAST)
    return Classifier(backbone, keras_sequential(GlobalMaxPool(), ScaledLinear(384, num_classes, 1 / 9)))


@network("airbench96", min_size=9, source=f"{_SOURCE}, and its successor airbench96_faster")
def airbench96(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001, any size fits
    """128, 384 and 512 filters in groups of three convolutions, of which two lie beside a shortcut; 10 million."""
    backbone = _backbone(in_channels, (128, 384, 512), _USUAL, deep=True)
    return Classifier(backbone, keras_sequential(GlobalMaxPool(), ScaledLinear(512, num_classes, 1 / 9)))


@network("airbench96-proxy", min_size=9, source="airbench96_faster, the successor of arXiv:2404.00498")
def airbench96_proxy(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001, any size fits
    """32, 64 and 64 filters: the small network that picks the images that `airbench96` is trained on."""
    backbone = _backbone(in_channels, (32, 64, 64), _USUAL)
    return Classifier(backbone, keras_sequential(GlobalMaxPool(), ScaledLinear(64, num_classes, 1 / 9)))


def _backbone(in_channels: int, widths: Sequence[int], momentum: float, *, deep: bool = False) -> Stages:
    whitening = Whitening(in_channels)
    stages: dict[str, nn.Module] = {"whiten": whitening, "whiten_gelu": nn.GELU()}
    channels = whitening.channels
    for number, width in enumerate(widths, 1):
        stages[f"group{number}"] = _group(channels, width, momentum, deep=deep)
        channels = width
    return Stages(stages)


def _group(in_channels: int, channels: int, momentum: float, *, deep: bool) -> nn.Module:
    first = {
        "conv1": _convolution(in_channels, channels),
        "pool": nn.MaxPool2d(2),
        "norm1": UnscaledBatchNorm2d(channels, 1e-12, momentum),
        "gelu1": nn.GELU(),
    }
    second = {
        "conv2": _convolution(channels, channels),
        "norm2": UnscaledBatchNorm2d(channels, 1e-12, momentum),
        "gelu2": nn.GELU(),
    }
    if not deep:
        return named({**first, **second})
    third = {
        "conv3": _convolution(channels, channels),
        "norm3": UnscaledBatchNorm2d(channels, 1e-12, momentum),
    }
    return named({**first, "residual": Residual(named({**second, **third})), "gelu3": nn.GELU()})


def _convolution(in_channels: int, channels: int) -> nn.Conv2d:
    layer = nn.Conv2d(in_channels, channels, 3, padding="same", bias=False)
    nn.init.dirac_(layer.weight.data[:in_channels])
    return layer
