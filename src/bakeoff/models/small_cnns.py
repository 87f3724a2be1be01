"""Small networks from scratch for images of about 32 pixels: `simcnn` and the `leaky-cnn` family."""

from torch import nn

from bakeoff.models import network
from bakeoff.models.layers import Flatten, conv_relu, dense_relu, glorot_uniform, keras_sequential, side_after

_SIMCNN = "document D: SimCNN and ResNet50 on CIFAR-10"
_LEAKY = "document C: Multi-class classification with convolutional neural networks and transfer learning"


@network("simcnn", min_size=18, source=_SIMCNN)
def simcnn(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Three unpadded convolutions of 32, 64 and 64 filters and a dense layer of 64; 122,570 parameters."""
    side = side_after(side_after(side_after(image_size, 3) // 2, 3) // 2, 3)
    return glorot_uniform(
        keras_sequential(
            conv_relu(in_channels, 32, 3),
            nn.MaxPool2d(2),
            conv_relu(32, 64, 3),
            nn.MaxPool2d(2),
            conv_relu(64, 64, 3),
            Flatten(),
            dense_relu(side * side * 64, 64),
            nn.Linear(64, num_classes),
        )
    )


@network("leaky-cnn", min_size=2, source=f"{_LEAKY}: model 1")
def leaky_cnn(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Two convolutions of 16 and 32 filters with leaky ReLU and a dense layer of 256; 2,105,066 parameters."""
    return glorot_uniform(
        keras_sequential(
            _conv(in_channels, 16),
            _leaky(),
            _conv(16, 32),
            _leaky(),
            nn.MaxPool2d(2),
            Flatten(),
            nn.Linear((image_size // 2) ** 2 * 32, 256),
            _leaky(),
            nn.Linear(256, num_classes),
        )
    )


@network("leaky-cnn-dropout", min_size=2, source=f"{_LEAKY}: model 2")
def leaky_cnn_dropout(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """`leaky-cnn` with dropout of .2 after each convolution and .5 after the dense layer."""
    return glorot_uniform(
        keras_sequential(
            _conv(in_channels, 16),
            _leaky(),
            nn.Dropout(0.2),
            _conv(16, 32),
            _leaky(),
            nn.Dropout(0.2),
            nn.MaxPool2d(2),
            Flatten(),
            nn.Linear((image_size // 2) ** 2 * 32, 256),
            _leaky(),
            nn.Dropout(0.5),
            nn.Linear(256, num_classes),
        )
    )


@network("leaky-cnn-deep", min_size=4, source=f"{_LEAKY}: model 3")
def leaky_cnn_deep(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Four convolutions in two pooled pairs with leaky ReLU and dropout; 1,084,234 parameters."""
    return glorot_uniform(
        keras_sequential(
            _conv(in_channels, 16),
            _leaky(),
            _conv(16, 32),
            _leaky(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            _conv(32, 32),
            _leaky(),
            _conv(32, 64),
            _leaky(),
            nn.MaxPool2d(2),
            nn.Dropout(0.25),
            Flatten(),
            nn.Linear((image_size // 4) ** 2 * 64, 256),
            _leaky(),
            nn.Dropout(0.5),
            nn.Linear(256, num_classes),
        )
    )


def _conv(in_channels: int, channels: int) -> nn.Conv2d:
    return nn.Conv2d(in_channels, channels, 3, padding=1)


def _leaky() -> nn.LeakyReLU:
    return nn.LeakyReLU(0.1, inplace=True)
