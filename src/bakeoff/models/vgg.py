"""VGG: the family of the paper on named stages, and the variants of the documents."""

from typing import Literal

from torch import nn

from bakeoff.models import network
from bakeoff.models.layers import (
    Flatten,
    GlobalAveragePool,
    batch_norm,
    batch_norm_dense,
    conv_relu,
    dense_relu,
    global_average_head,
    glorot_uniform,
    he_uniform,
    keras_sequential,
)
from bakeoff.models.stages import Classifier, Stages

_PAPER = "Simonyan and Zisserman 2015, Very deep convolutional networks for large-scale image recognition"
_DOCUMENT_B = "document B: AlexNet and VGG16 on CIFAR-10"
_DOCUMENT_E = "document E: Deeper networks for image classification"

_CONVOLUTIONS = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}
_WIDTHS = (64, 128, 256, 512, 512)


def vgg_stages(depth: int, in_channels: int) -> Stages:
    """Return the convolutions and poolings of VGG-`depth`, with the stage names of Keras's VGG16 and VGG19."""
    stages: dict[str, nn.Module] = {}
    for block, (convolutions, width) in enumerate(zip(_CONVOLUTIONS[depth], _WIDTHS, strict=True), start=1):
        for number in range(1, convolutions + 1):
            stages[f"block{block}_conv{number}"] = conv_relu(in_channels, width, 3, padding=1)
            in_channels = width
        stages[f"block{block}_pool"] = nn.MaxPool2d(2)
    return Stages(stages)


def _register(depth: int) -> None:
    def build(num_classes: int, in_channels: int, image_size: int, top: Literal["gap", "classic"] = "gap") -> nn.Module:
        head = global_average_head(512, num_classes)
        if top == "classic":
            head = _dense_head(Flatten(), 512 * (image_size // 32) ** 2, num_classes)
        return glorot_uniform(Classifier(vgg_stages(depth, in_channels), head))

    build.__doc__ = f"""VGG-{depth} on global average pooling, or on the paper's dense layers (`top: classic`)."""
    network(f"vgg{depth}", min_size=32, source=_PAPER)(build)


for _depth in _CONVOLUTIONS:
    _register(_depth)


@network("vgg16-gap", min_size=32, source=_DOCUMENT_B)
def vgg16_gap(num_classes: int, in_channels: int, image_size: int) -> nn.Module:  # noqa: ARG001
    """VGG-16 with global average pooling before the two dense layers of 4096; 33,638,218 parameters."""
    return glorot_uniform(
        Classifier(vgg_stages(16, in_channels), _dense_head(GlobalAveragePool(), 512, num_classes)),
    )


@network("vgg16-dense", min_size=16, source=_DOCUMENT_E)
def vgg16_dense(num_classes: int, in_channels: int, image_size: int, last_pool: Literal[1, 2] = 2) -> nn.Module:
    """VGG-16 with the two dense layers of 4096 on flattened features; 33,637,066 parameters on MNIST.

    The last pooling has a window of 2 pixels, or 1 with `last_pool: 1`, and a stride of 2. Below 32 pixels a single
    pixel is left for it; there the window is 1, which is how the document takes MNIST's 28.
    """
    side = image_size // 16
    window = min(last_pool, side)
    stages = vgg_stages(16, in_channels)
    stages.block5_pool = nn.MaxPool2d(window, stride=2)
    side = (side - window) // 2 + 1
    return glorot_uniform(Classifier(stages, _dense_head(Flatten(), side * side * 512, num_classes)))


@network("vgg-small", min_size=8, source=_DOCUMENT_B)
def vgg_small(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Three pairs of normalized convolutions of 32, 64 and 128 filters with dropout; 552,874 parameters."""
    layers: list[nn.Module] = []
    for width, dropout in ((32, 0.2), (64, 0.3), (128, 0.4)):
        layers += [conv_relu(in_channels, width, 3, padding=1), batch_norm(width)]
        layers += [conv_relu(width, width, 3, padding=1), batch_norm(width)]
        layers += [nn.MaxPool2d(2), nn.Dropout(dropout)]
        in_channels = width
    layers += [Flatten(), dense_relu((image_size // 8) ** 2 * 128, 128), batch_norm_dense(128), nn.Dropout(0.5)]
    classify = glorot_uniform(nn.Linear(128, num_classes))
    return keras_sequential(*map(he_uniform, layers), classify)


def _dense_head(pool: nn.Module, features: int, num_classes: int) -> nn.Sequential:
    return keras_sequential(
        pool,
        dense_relu(features, 4096),
        nn.Dropout(0.5),
        dense_relu(4096, 4096),
        nn.Dropout(0.5),
        nn.Linear(4096, num_classes),
    )
