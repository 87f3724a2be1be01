"""Inception v3 as Keras builds it, on named stages."""

from itertools import count

from torch import nn

from bakeoff.models import network
from bakeoff.models.layers import Concat, UnscaledBatchNorm2d, global_average_head, glorot_uniform, named
from bakeoff.models.stages import Classifier, Stages

_SOURCE = "keras.applications.InceptionV3; Szegedy et al. 2016, Rethinking the Inception architecture"


class _Convolutions:
    """Makes normalized convolutions, numbered in the order of their making: so Keras names those of this network."""

    def __init__(self) -> None:
        self._made = count()

    def one(
        self, in_channels: int, filters: int, height: int = 1, width: int = 1, stride: int = 1, *, padded: bool = True
    ) -> nn.Sequential:
        number = next(self._made)
        suffix = f"_{number}" if number else ""
        # Keras pads none of this network's strided kernels.
        padding = (height // 2, width // 2) if padded and stride == 1 else 0
        parts: dict[str, nn.Module] = {
            f"conv2d{suffix}": nn.Conv2d(in_channels, filters, (height, width), stride, padding, bias=False),
            f"batch_normalization{suffix}": UnscaledBatchNorm2d(filters, eps=1e-3, momentum=0.01),
            f"activation{suffix}": nn.ReLU(inplace=True),
        }
        return named(parts)

    def row(self, in_channels: int, *convolutions: tuple[int, ...]) -> nn.Sequential:
        """Return convolutions in a row, each given as filters, height, width and, if it has one, stride."""
        layers = []
        for convolution in convolutions:
            layers.append(self.one(in_channels, *convolution))
            in_channels = convolution[0]
        return nn.Sequential(*layers)

    def pooled(self, in_channels: int, filters: int) -> nn.Sequential:
        pool = nn.AvgPool2d(3, stride=1, padding=1, count_include_pad=False)
        return nn.Sequential(pool, self.one(in_channels, filters))


@network("inceptionv3-keras", min_size=75, source=_SOURCE)
def inceptionv3_keras(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """Keras's Inception v3, with batch normalization that has no scale."""
    make = _Convolutions()
    stages: dict[str, nn.Module] = {
        "activation": make.one(in_channels, 32, 3, 3, stride=2),
        "activation_1": make.one(32, 32, 3, 3, padded=False),
        "activation_2": make.one(32, 64, 3, 3),
        "max_pooling2d": nn.MaxPool2d(3, 2),
        "activation_3": make.one(64, 80),
        "activation_4": make.one(80, 192, 3, 3, padded=False),
        "max_pooling2d_1": nn.MaxPool2d(3, 2),
        "mixed0": _block35(make, 192, 32),
        "mixed1": _block35(make, 256, 64),
        "mixed2": _block35(make, 288, 64),
        "mixed3": Concat(
            make.row(288, (384, 3, 3, 2)),
            make.row(288, (64, 1, 1), (96, 3, 3), (96, 3, 3, 2)),
            nn.MaxPool2d(3, 2),
        ),
        "mixed4": _block17(make, 128),
        "mixed5": _block17(make, 160),
        "mixed6": _block17(make, 160),
        "mixed7": _block17(make, 192),
        "mixed8": Concat(
            make.row(768, (192, 1, 1), (320, 3, 3, 2)),
            make.row(768, (192, 1, 1), (192, 1, 7), (192, 7, 1), (192, 3, 3, 2)),
            nn.MaxPool2d(3, 2),
        ),
        "mixed9": _block8(make, 1280),
        "mixed10": _block8(make, 2048),
    }
    return glorot_uniform(Classifier(Stages(stages), global_average_head(2048, num_classes)))


def _block35(make: _Convolutions, channels: int, pooled: int) -> Concat:
    """The block for maps of 35 pixels, at the paper's input of 299."""
    return Concat(
        make.row(channels, (64, 1, 1)),
        make.row(channels, (48, 1, 1), (64, 5, 5)),
        make.row(channels, (64, 1, 1), (96, 3, 3), (96, 3, 3)),
        make.pooled(channels, pooled),
    )


def _block17(make: _Convolutions, width: int) -> Concat:
    """The block for maps of 17 pixels, with kernels of 7x7 in two factors."""
    return Concat(
        make.row(768, (192, 1, 1)),
        make.row(768, (width, 1, 1), (width, 1, 7), (192, 7, 1)),
        make.row(768, (width, 1, 1), (width, 7, 1), (width, 1, 7), (width, 7, 1), (192, 1, 7)),
        make.pooled(768, 192),
    )


def _block8(make: _Convolutions, channels: int) -> Concat:
    """The block for maps of 8 pixels, with kernels of 3x3 split side by side."""
    return Concat(
        make.row(channels, (320, 1, 1)),
        nn.Sequential(
            make.row(channels, (384, 1, 1)),
            Concat(make.row(384, (384, 1, 3)), make.row(384, (384, 3, 1))),
        ),
        nn.Sequential(
            make.row(channels, (448, 1, 1), (384, 3, 3)),
            Concat(make.row(384, (384, 1, 3)), make.row(384, (384, 3, 1))),
        ),
        make.pooled(channels, 192),
    )
