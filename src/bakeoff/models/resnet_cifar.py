"""ResNets for images of 32 pixels."""

from collections.abc import Callable

from torch import Tensor, nn
from torch.nn import functional

from bakeoff.models import network
from bakeoff.models.layers import global_average_head, he_normal
from bakeoff.models.stages import Classifier, Stages

_SOURCE = "He et al. 2016, Deep residual learning for image recognition"


class PadShortcut(nn.Module):
    """A shortcut without parameters: every `stride`-th pixel, and zeros for the new channels (option A)."""

    def __init__(self, new_channels: int, stride: int) -> None:
        super().__init__()
        self.new_channels, self.stride = new_channels, stride

    def forward(self, x: Tensor) -> Tensor:
        """Return the maps that a block with this stride adds to its branch."""
        return functional.pad(x[:, :, :: self.stride, :: self.stride], (0, 0, 0, 0, 0, self.new_channels))


class BasicBlock(nn.Module):
    """Two normalized 3x3 convolutions beside a shortcut."""

    def __init__(self, in_channels: int, channels: int, stride: int, shortcut: nn.Module) -> None:
        super().__init__()
        self.branch = nn.Sequential(
            nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False),
            nn.BatchNorm2d(channels),
            nn.ReLU(inplace=True),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )
        self.shortcut = shortcut
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps that are `stride` times smaller."""
        out: Tensor = self.relu(self.branch(x) + self.shortcut(x))
        return out


def _register(depth: int) -> None:
    def build(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
        blocks = (depth - 2) // 6
        return _resnet(num_classes, in_channels, dict.fromkeys((16, 32, 64), blocks), _pad)

    build.__doc__ = f"""ResNet-{depth} for 32 pixels: stages of 16, 32 and 64 filters, shortcuts without parameters."""
    network(f"resnet{depth}", min_size=4, source=f"{_SOURCE}, section 4.2")(build)


for _depth in (20, 32, 44, 56, 110):
    _register(_depth)


@network("resnet18-32px", min_size=8, source=_SOURCE)
def resnet18_32px(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """ResNet-18 with a first convolution of 3x3, stride 1 and no pooling, as is usual for 32 pixels."""
    return _resnet(num_classes, in_channels, dict.fromkeys((64, 128, 256, 512), 2), _project)


def _resnet(
    num_classes: int, in_channels: int, groups: dict[int, int], shortcut: Callable[[int, int, int], nn.Module]
) -> nn.Module:
    """Build a ResNet of basic blocks.

    Args:
        num_classes: number of logits.
        in_channels: channels of the images.
        groups: filters of each group of blocks, and how many it has. All but the first halve the image.
        shortcut: makes the way around a block that changes the shape, from its channels in and out and its stride.
    """
    channels = next(iter(groups))
    stages: dict[str, nn.Module] = {
        "conv1": nn.Conv2d(in_channels, channels, 3, padding=1, bias=False),
        "bn1": nn.BatchNorm2d(channels),
        "relu1": nn.ReLU(inplace=True),
    }
    for group, (width, blocks) in enumerate(groups.items(), start=1):
        for number in range(1, blocks + 1):
            stride = 1 if width == channels else 2
            around = nn.Identity() if width == channels else shortcut(channels, width, stride)
            stages[f"group{group}_block{number}"] = BasicBlock(channels, width, stride, around)
            channels = width
    return he_normal(Classifier(Stages(stages), global_average_head(channels, num_classes)))


def _pad(in_channels: int, channels: int, stride: int) -> nn.Module:
    """Option A of the paper."""
    return PadShortcut(channels - in_channels, stride)


def _project(in_channels: int, channels: int, stride: int) -> nn.Module:
    """Option B of the paper."""
    return nn.Sequential(
        nn.Conv2d(in_channels, channels, 1, stride, bias=False),
        nn.BatchNorm2d(channels),
    )
