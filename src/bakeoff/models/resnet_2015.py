"""The ResNets for ImageNet as their paper prints them, with the multiply-accumulates of its table 1.

Those of timm and torchvision under the bare names have the stride of a bottleneck in its 3x3 convolution, which came
later and takes a tenth more of them.
"""

from collections.abc import Sequence

from torch import Tensor, nn

from bakeoff.models import network
from bakeoff.models.layers import global_average_head, he_normal
from bakeoff.models.resnet_cifar import BasicBlock, PadShortcut
from bakeoff.models.stages import Classifier, Stages

_SOURCE = "He et al. 2016, Deep residual learning for image recognition, table 1"
_WIDTHS = (64, 128, 256, 512)


class Bottleneck(nn.Module):
    """Three convolutions, of which the first has the stride, and an activation after the sum."""

    def __init__(self, in_channels: int, width: int, stride: int) -> None:
        super().__init__()
        channels = 4 * width
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, width, 1, stride, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, width, 3, padding=1, bias=False),
            nn.BatchNorm2d(width),
            nn.ReLU(inplace=True),
            nn.Conv2d(width, channels, 1, bias=False),
            nn.BatchNorm2d(channels),
        )
        changes = in_channels != channels
        projection = (nn.Conv2d(in_channels, channels, 1, stride, bias=False), nn.BatchNorm2d(channels))
        self.shortcut = nn.Sequential(*(projection if changes else ()))
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps that are `stride` times smaller."""
        out: Tensor = self.relu(self.branch(x) + self.shortcut(x))
        return out


@network("resnet18-2015", min_size=32, source=_SOURCE)
def resnet18(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """ResNet-18 of the paper, with shortcuts that pad."""
    return _resnet(num_classes, in_channels, (2, 2, 2, 2), bottleneck=False)


@network("resnet34-2015", min_size=32, source=_SOURCE)
def resnet34(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """ResNet-34 of the paper, with shortcuts that pad."""
    return _resnet(num_classes, in_channels, (3, 4, 6, 3), bottleneck=False)


@network("resnet50-2015", min_size=32, source=_SOURCE)
def resnet50(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """ResNet-50 of the paper: the stride is in the first 1x1 convolution of a block."""
    return _resnet(num_classes, in_channels, (3, 4, 6, 3), bottleneck=True)


@network("resnet101-2015", min_size=32, source=_SOURCE)
def resnet101(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """ResNet-101 of the paper: the stride is in the first 1x1 convolution of a block."""
    return _resnet(num_classes, in_channels, (3, 4, 23, 3), bottleneck=True)


@network("resnet152-2015", min_size=32, source=_SOURCE)
def resnet152(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """ResNet-152 of the paper: the stride is in the first 1x1 convolution of a block."""
    return _resnet(num_classes, in_channels, (3, 8, 36, 3), bottleneck=True)


def _resnet(num_classes: int, in_channels: int, blocks: Sequence[int], *, bottleneck: bool) -> nn.Module:
    stages: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(in_channels, 64, 7, 2, padding=3, bias=False),
        "bn1": nn.BatchNorm2d(64),
        "relu1": nn.ReLU(inplace=True),
        "pool1": nn.MaxPool2d(3, 2, padding=1),
    }
    channels = 64
    for group, (width, count) in enumerate(zip(_WIDTHS, blocks, strict=True), start=2):
        for number in range(1, count + 1):
            stride = 2 if number == 1 and group > 2 else 1
            if bottleneck:
                block: nn.Module = Bottleneck(channels, width, stride)
                channels = 4 * width
            else:
                around = PadShortcut(width - channels, stride) if width != channels else nn.Identity()
                block = BasicBlock(channels, width, stride, around)
                channels = width
            stages[f"conv{group}_block{number}"] = block
    return he_normal(Classifier(Stages(stages), global_average_head(channels, num_classes)))
