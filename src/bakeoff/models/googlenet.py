"""GoogLeNet (Inception v1) with batch normalization and without auxiliary classifiers."""

import torch
from torch import Tensor, nn

from bakeoff.models import network
from bakeoff.models.layers import GlobalAveragePool, he_normal, keras_sequential
from bakeoff.models.stages import Classifier, Stages

_SOURCE = "Szegedy et al. 2015, Going deeper with convolutions; batch normalization: Ioffe and Szegedy 2015"

# Table 1 of the paper. Filters of: 1x1; 3x3 reduce, 3x3; 5x5 reduce, 5x5; pool projection.
_INCEPTION = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


class Inception(nn.Module):
    """Four branches of different reach, side by side."""

    def __init__(self, in_channels: int, widths: tuple[int, int, int, int, int, int]) -> None:
        super().__init__()
        one, reduce3, three, reduce5, five, pool = widths
        self.branch1 = _conv(in_channels, one, 1)
        self.branch3 = nn.Sequential(_conv(in_channels, reduce3, 1), _conv(reduce3, three, 3))
        self.branch5 = nn.Sequential(_conv(in_channels, reduce5, 1), _conv(reduce5, five, 5))
        self.branch_pool = nn.Sequential(nn.MaxPool2d(3, stride=1, padding=1), _conv(in_channels, pool, 1))
        self.channels = one + three + five + pool

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same height and width with `channels` channels."""
        return torch.cat([self.branch1(x), self.branch3(x), self.branch5(x), self.branch_pool(x)], dim=1)


@network("googlenet", min_size=8, source=_SOURCE)
def googlenet(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """GoogLeNet with batch normalization and without auxiliary classifiers; 6 million parameters.

    The paper's stem makes an image 8 times smaller before the first inception. Below 96 pixels that would leave next
    to nothing, so there the first convolution is 3x3 with stride 1 and only one pooling follows.
    """
    small = image_size < 96
    stages: dict[str, nn.Module] = {"conv1": _conv(in_channels, 64, 3) if small else _conv(in_channels, 64, 7, 2)}
    if not small:
        stages["pool1"] = _pool()
    stages |= {"conv2": _conv(64, 64, 1), "conv3": _conv(64, 192, 3), "pool2": _pool()}
    channels = 192
    for name, widths in _INCEPTION.items():
        if name in ("4a", "5a"):
            stages[f"pool{int(name[0]) - 1}"] = _pool()
        block = Inception(channels, widths)
        stages[f"inception_{name}"] = block
        channels = block.channels
    head = keras_sequential(GlobalAveragePool(), nn.Dropout(0.4), nn.Linear(channels, num_classes))
    return he_normal(Classifier(Stages(stages), head))


def _conv(in_channels: int, channels: int, kernel: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, kernel, stride, padding=kernel // 2, bias=False),
        nn.BatchNorm2d(channels),
        nn.ReLU(inplace=True),
    )


def _pool() -> nn.MaxPool2d:
    return nn.MaxPool2d(3, stride=2, padding=1)
