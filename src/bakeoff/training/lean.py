"""Layers of a network replaced by ones that compute the same in less time on a CPU."""

from torch import nn

from bakeoff.training.attention import attends, leaner_attention
from bakeoff.training.cropping import CroppedRow, may_see_less
from bakeoff.training.dropout import LeanDropout
from bakeoff.training.known import known
from bakeoff.training.pooling import LeanMaxPool2d, are_apart, pool_first
from bakeoff.training.products import LeanLinear, is_small, leaner_convolution
from bakeoff.training.rows import in_a_row, in_line, watched


def lean(model: nn.Module) -> nn.Module:
    """Replace what can be faster in a network, in place, and return it. Names and shapes of weights stay as they are.

    - An activation before a max pooling goes behind it, where fewer pixels are left. Outputs are equal, and gradients
      too, but where rounding makes two pixels the same.
    - Max pooling in bfloat16 is faster backward, where windows do not overlap. Gradients are equal.
    - Dropout draws 8 or 16 random bits for an element and not one float: faster, and other elements than torch's.
    - Convolutions with few pixels are matrix products. Outputs and gradients are equal to rounding.
    - Convolutions of 3x3 pixels with many channels take half of the multiplications where the processor has nothing
      wider than AVX2 and they are trained in float32. Outputs and gradients are equal to rounding.
    - Gradients of wide depthwise kernels are computed in pieces, and equal to rounding.
    - Some depthwise convolutions, and attention to few tokens, are trained in float32 where others compute in bfloat16.
    - Convolutions of single pixels with a stride and few channels, at which torch breaks, get the pixels they see.
    - Small dense layers compute in float32 where the network is one row of known layers.
    - Images of a training lose rows and columns at their border that no output depends on. Outputs and gradients are
      equal to rounding.

    Modules with hooks stay: somebody waits for their very output.
    """
    rows = [module for module in model.modules() if in_a_row(module)]
    for row in rows:
        pool_first(row)
    for layer in [*model.modules()]:
        if (kind := _leaner(layer)) and not watched(layer):
            layer.__class__ = kind  # its weights, and who else has it, stay
    line = list(in_line(model))
    if all(map(known, line)):  # others may want the format that they would get
        for layer in filter(is_small, line):
            layer.__class__ = LeanLinear
    # An outer row knows what becomes of what an inner one gives.
    within = {id(child) for row in rows for child in row}
    for row in rows:
        if id(row) not in within and may_see_less(row):
            row.__class__ = CroppedRow
    return model


def _leaner(layer: nn.Module) -> type[nn.Module] | None:
    """Return the class that a layer may have instead of its own, whatever comes before and behind it."""
    if type(layer) is nn.Dropout and 0 < layer.p < 1:
        return LeanDropout
    if type(layer) is nn.MaxPool2d and are_apart(layer):
        return LeanMaxPool2d
    if attends(layer):
        return leaner_attention(type(layer))  # type: ignore[arg-type]  # as in `attention`
    return leaner_convolution(layer) if type(layer) is nn.Conv2d else None
