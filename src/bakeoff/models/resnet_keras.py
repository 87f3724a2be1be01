"""ResNet50 and ResNet50V2 as Keras builds them, on named stages."""

from torch import Tensor, nn

from bakeoff.models import network
from bakeoff.models.layers import batch_norm, global_average_head, glorot_uniform, named
from bakeoff.models.stages import Classifier, Stages

_V1 = "keras.applications.ResNet50; He et al. 2016, Deep residual learning for image recognition"
_V2 = "keras.applications.ResNet50V2; He et al. 2016, Identity mappings in deep residual networks"

_EPS = 1.001e-5  # of the batch normalization in Keras's ResNets
_BLOCKS = {"conv2": (64, 3), "conv3": (128, 4), "conv4": (256, 6), "conv5": (512, 3)}  # filters, blocks


class BlockV1(nn.Module):
    """A bottleneck with the activation after the sum. The parts stand in the order of Keras's layers."""

    def __init__(self, name: str, in_channels: int, filters: int, stride: int, project: bool) -> None:
        super().__init__()
        # Unlike later ResNets, the stride is in the first 1x1 convolution, and convolutions have biases.
        self.reduce = named(
            {
                f"{name}_1_conv": nn.Conv2d(in_channels, filters, 1, stride),
                f"{name}_1_bn": batch_norm(filters, _EPS),
                f"{name}_1_relu": nn.ReLU(inplace=True),
                f"{name}_2_conv": nn.Conv2d(filters, filters, 3, padding=1),
                f"{name}_2_bn": batch_norm(filters, _EPS),
                f"{name}_2_relu": nn.ReLU(inplace=True),
            }
        )
        projection = {
            f"{name}_0_conv": nn.Conv2d(in_channels, 4 * filters, 1, stride),
            f"{name}_0_bn": batch_norm(4 * filters, _EPS),
        }
        self.shortcut = named(projection if project else {})
        self.expand = named(
            {
                f"{name}_3_conv": nn.Conv2d(filters, 4 * filters, 1),
                f"{name}_3_bn": batch_norm(4 * filters, _EPS),
            }
        )
        self.relu = nn.ReLU(inplace=True)

    def forward(self, x: Tensor) -> Tensor:
        """Return maps that are `stride` times smaller."""
        out: Tensor = self.relu(self.expand(self.reduce(x)) + self.shortcut(x))
        return out


class BlockV2(nn.Module):
    """A bottleneck with normalization and activation before it. The parts stand in the order of Keras's layers."""

    def __init__(self, name: str, in_channels: int, filters: int, stride: int, project: bool) -> None:
        super().__init__()
        self.project = project
        self.preact = named(
            {
                f"{name}_preact_bn": batch_norm(in_channels, _EPS),
                f"{name}_preact_relu": nn.ReLU(inplace=True),
            }
        )
        self.reduce = named(
            {
                f"{name}_1_conv": nn.Conv2d(in_channels, filters, 1, bias=False),
                f"{name}_1_bn": batch_norm(filters, _EPS),
                f"{name}_1_relu": nn.ReLU(inplace=True),
                f"{name}_2_conv": nn.Conv2d(filters, filters, 3, stride, padding=1, bias=False),
                f"{name}_2_bn": batch_norm(filters, _EPS),
                f"{name}_2_relu": nn.ReLU(inplace=True),
            }
        )
        self.shortcut = named({f"{name}_0_conv": nn.Conv2d(in_channels, 4 * filters, 1, stride)} if project else {})
        if stride > 1 and not project:
            self.shortcut = nn.Sequential(nn.MaxPool2d(1, stride))
        self.expand = named({f"{name}_3_conv": nn.Conv2d(filters, 4 * filters, 1)})

    def forward(self, x: Tensor) -> Tensor:
        """Return maps that are `stride` times smaller."""
        active = self.preact(x)
        out: Tensor = self.shortcut(active if self.project else x) + self.expand(self.reduce(active))
        return out


@network("resnet50-keras", min_size=32, source=_V1)
def resnet50_keras(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """Keras's ResNet50: biased convolutions, and the stride in the first one of a block."""
    stages = _stem(in_channels)
    stages["conv1_bn"] = batch_norm(64, _EPS)
    stages["conv1_relu"] = nn.ReLU(inplace=True)
    stages |= _stem_pool()
    channels = 64
    for group, (filters, blocks) in _BLOCKS.items():
        for number in range(1, blocks + 1):
            stride = 2 if number == 1 and group != "conv2" else 1
            name = f"{group}_block{number}"
            stages[f"{name}_out"] = BlockV1(name, channels, filters, stride, project=number == 1)
            channels = 4 * filters
    return glorot_uniform(Classifier(Stages(stages), global_average_head(channels, num_classes)))


@network("resnet50v2-keras", min_size=32, source=_V2)
def resnet50v2_keras(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """Keras's ResNet50V2: activation before convolution, and the stride in the last block of a group."""
    stages = _stem(in_channels) | _stem_pool()
    channels = 64
    for group, (filters, blocks) in _BLOCKS.items():
        for number in range(1, blocks + 1):
            stride = 2 if number == blocks and group != "conv5" else 1
            name = f"{group}_block{number}"
            stages[f"{name}_out"] = BlockV2(name, channels, filters, stride, project=number == 1)
            channels = 4 * filters
    stages["post_bn"] = batch_norm(channels, _EPS)
    stages["post_relu"] = nn.ReLU(inplace=True)
    return glorot_uniform(Classifier(Stages(stages), global_average_head(channels, num_classes)))


def _stem(in_channels: int) -> dict[str, nn.Module]:
    return {"conv1_pad": nn.ZeroPad2d(3), "conv1_conv": nn.Conv2d(in_channels, 64, 7, 2)}


def _stem_pool() -> dict[str, nn.Module]:
    # Padded with zeros by a layer of its own: in V2 a maximum may be negative, where torch's pooling pads otherwise.
    return {"pool1_pad": nn.ZeroPad2d(1), "pool1_pool": nn.MaxPool2d(3, 2)}
