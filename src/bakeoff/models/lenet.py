"""LeNet-5 in its modern common form."""

from torch import nn

from bakeoff.models import network
from bakeoff.models.layers import Flatten, conv_relu, dense_relu, glorot_uniform, keras_sequential, side_after


@network("lenet5", min_size=12, source="LeCun et al. 1998, Gradient-based learning applied to document recognition")
def lenet5(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """LeNet-5 with ReLU, max pooling and full connections; 61,706 parameters for gray images of 28 or 32 pixels.

    The paper has a scaled tanh, pooling with weights, a sparse second convolution and radial basis functions at the
    end. It lays digits of 28 pixels on a ground of 32; so does the padding here, for all images below 32 pixels.
    """
    padding = 2 if image_size < 32 else 0
    side = side_after(side_after(image_size + 2 * padding, 5) // 2, 5) // 2
    return glorot_uniform(
        keras_sequential(
            conv_relu(in_channels, 6, 5, padding=padding),
            nn.MaxPool2d(2),
            conv_relu(6, 16, 5),
            nn.MaxPool2d(2),
            Flatten(),
            dense_relu(side * side * 16, 120),
            dense_relu(120, 84),
            nn.Linear(84, num_classes),
        )
    )
