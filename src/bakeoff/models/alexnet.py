"""AlexNet with batch normalization."""

from torch import nn

from bakeoff.models import network
from bakeoff.models.layers import (
    Flatten,
    batch_norm,
    batch_norm_dense,
    conv_relu,
    dense_relu,
    glorot_uniform,
    keras_sequential,
    side_after,
)

_SOURCE = "document B: AlexNet and VGG16 on CIFAR-10"


@network("alexnet-bn", min_size=67, source=_SOURCE)
def alexnet_bn(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """AlexNet with normalization after every activation and 1x1 kernels late; 48,930,210 parameters at 224 pixels.

    The document's code pads no convolution, but the summary it prints shows all but the first padded: 6400 features
    reach the dense layers at 224 pixels. The network is the one of the summary.
    """
    side = side_after(image_size, 11, stride=4)
    for _ in range(3):
        side = side_after(side, 3, stride=2)
    layers: list[nn.Module] = [
        conv_relu(in_channels, 96, 11, stride=4),
        batch_norm(96),
        nn.MaxPool2d(3, stride=2),
        conv_relu(96, 256, 5, padding=2),
        batch_norm(256),
        nn.MaxPool2d(3, stride=2),
        conv_relu(256, 384, 3, padding=1),
        batch_norm(384),
        conv_relu(384, 384, 1),
        batch_norm(384),
        conv_relu(384, 256, 1),
        batch_norm(256),
        nn.MaxPool2d(3, stride=2),
        Flatten(),
    ]
    features = side * side * 256
    for width in (4096, 4096, 1000):
        layers += [dense_relu(features, width), batch_norm_dense(width), nn.Dropout(0.5)]
        features = width
    return glorot_uniform(keras_sequential(*layers, nn.Linear(features, num_classes)))
