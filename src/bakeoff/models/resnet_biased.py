"""ResNet50 as one of the documents wires it."""

from torch import Tensor, nn

from bakeoff.models import network
from bakeoff.models.layers import (
    GlobalAveragePool,
    SamePad,
    batch_norm,
    dense_relu,
    glorot_uniform,
    keras_sequential,
    named,
)
from bakeoff.models.stages import Classifier, Stages

_SOURCE = "document E: Deeper networks for image classification"
_GROUPS = {"conv2": (256, 3), "conv3": (512, 4), "conv4": (1024, 6), "conv5": (2048, 3)}  # channels, blocks


class ResidualBlock(nn.Module):
    """A bottleneck of biased convolutions; a shortcut that changes the channels is not normalized."""

    def __init__(self, name: str, in_channels: int, channels: int) -> None:
        super().__init__()
        width = channels // 4
        self.branch = named(
            {
                f"{name}_1_conv": nn.Conv2d(in_channels, width, 1),
                f"{name}_1_bn": batch_norm(width),
                f"{name}_1_relu": nn.ReLU(inplace=True),
                f"{name}_2_conv": nn.Conv2d(width, width, 3, padding=1),
                f"{name}_2_bn": batch_norm(width),
                f"{name}_2_relu": nn.ReLU(inplace=True),
                f"{name}_3_conv": nn.Conv2d(width, channels, 1),
                f"{name}_3_bn": batch_norm(channels),
            }
        )
        changes = in_channels != channels
        self.shortcut = named({f"{name}_0_conv": nn.Conv2d(in_channels, channels, 1)} if changes else {})
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps of the same height and width."""
        out: Tensor = self.relu(self.branch(x) + self.shortcut(x))
        return out


@network("resnet50-biased", min_size=8, source=_SOURCE)
def resnet50_biased(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """ResNet-50 with biases, strided 1x1 convolutions between its stages and a dense layer of 1000.

    It has 26,313,218 parameters on MNIST, of which 26,267,778 are trained.
    """
    stages: dict[str, nn.Module] = {
        "conv1": nn.Sequential(SamePad(7, 2), nn.Conv2d(in_channels, 64, 7, 2)),
        "conv1_bn": batch_norm(64),
        "conv1_relu": nn.ReLU(inplace=True),
        "pool1": nn.Sequential(SamePad(3, 2), nn.MaxPool2d(3, 2)),
    }
    channels = 64
    for group, (width, blocks) in _GROUPS.items():
        if group != "conv2":
            stages[f"{group}_down"] = nn.Conv2d(channels, width, 1, 2)
            channels = width
        for number in range(1, blocks + 1):
            name = f"{group}_block{number}"
            stages[name] = ResidualBlock(name, channels, width)
            channels = width
    head = keras_sequential(GlobalAveragePool(), dense_relu(channels, 1000), nn.Linear(1000, num_classes))
    return glorot_uniform(Classifier(Stages(stages), head))
