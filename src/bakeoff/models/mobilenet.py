"""MobileNet v1 as Keras builds it, on named stages."""

from torch import nn

from bakeoff.errors import SpecError
from bakeoff.models import network
from bakeoff.models.layers import SamePad, batch_norm, global_average_head, glorot_uniform
from bakeoff.models.stages import Classifier, Stages

_SOURCE = "keras.applications.MobileNet; Howard et al. 2017, MobileNets"

# Filters of the pointwise convolution of each block, and the stride of its depthwise one.
_BLOCKS = (
    *((64, 1), (128, 2), (128, 1), (256, 2), (256, 1), (512, 2)),
    *((512, 1), (512, 1), (512, 1), (512, 1), (512, 1), (1024, 2), (1024, 1)),
)


@network("mobilenet-keras", min_size=32, source=_SOURCE)
def mobilenet_keras(num_classes: int, in_channels: int, image_size: int, alpha: float = 1.0) -> nn.Module:  # noqa: ARG001
    """Keras's MobileNet v1; `alpha` multiplies the filters of every layer.

    Raises:
        SpecError: if `alpha` leaves the first layer without filters.
    """
    channels = int(32 * alpha)
    if channels < 1:
        raise SpecError(f"mobilenet-keras: the option 'alpha' is {alpha}; give at least 0.03125, which is 1/32")
    stages: dict[str, nn.Module] = {
        "conv1": nn.Sequential(SamePad(3, 2), nn.Conv2d(in_channels, channels, 3, 2, bias=False)),
        "conv1_bn": batch_norm(channels),
        "conv1_relu": nn.ReLU6(inplace=True),
    }
    for block, (width, stride) in enumerate(_BLOCKS, start=1):
        filters = int(width * alpha)
        if stride == 2:
            stages[f"conv_pad_{block}"] = nn.ZeroPad2d((0, 1, 0, 1))
        depthwise = nn.Conv2d(channels, channels, 3, stride, padding=2 - stride, groups=channels, bias=False)
        stages[f"conv_dw_{block}"] = depthwise
        stages[f"conv_dw_{block}_bn"] = batch_norm(channels)
        stages[f"conv_dw_{block}_relu"] = nn.ReLU6(inplace=True)
        stages[f"conv_pw_{block}"] = nn.Conv2d(channels, filters, 1, bias=False)
        stages[f"conv_pw_{block}_bn"] = batch_norm(filters)
        stages[f"conv_pw_{block}_relu"] = nn.ReLU6(inplace=True)
        channels = filters
    return glorot_uniform(Classifier(Stages(stages), global_average_head(channels, num_classes)))
