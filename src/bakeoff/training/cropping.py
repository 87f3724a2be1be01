"""Pixels at the border of images that no output depends on are left out."""

from collections.abc import Sequence
from itertools import chain
from typing import NamedTuple

from torch import Tensor, nn

from bakeoff.training.known import known
from bakeoff.training.pooling import LeanMaxPool2d, PoolFirst
from bakeoff.training.products import LeanConv2d, LeanDepthwiseConv2d, LeanPointwiseConv2d
from bakeoff.training.rows import in_line, watched

MOST_SEEN = 0.95  # of the pixels, where images are cropped: for fewer it is not worth a copy

# These very classes, as others may pad in their forward pass.
_CONVOLUTIONS = (nn.Conv2d, LeanConv2d, LeanPointwiseConv2d, LeanDepthwiseConv2d)
_POOLINGS = (nn.MaxPool2d, LeanMaxPool2d, nn.AvgPool2d)
_OF_SINGLE_PIXELS = (nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid)


class CroppedRow(nn.Sequential):
    """A row of layers that begins with windows without padding, of which images are cropped to what outputs depend on.

    Where windows do not fit into what came before, its last rows and columns are computed for nobody: of 32x32 pixels,
    two convolutions of 3x3, each before a pooling of 2x2, see 30x30. Outputs and gradients are equal to rounding.

    Only training crops, so that what is counted of a network is all of it. Images that want gradients of their own stay
    whole, and all do where a hook waits for what a layer gives.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers."""
        if self.training and x.ndim == 4 and not x.requires_grad and not watched(*self.modules()):
            windows = _windows(self)
            height, width = (_seen(windows, axis, x.shape[2 + axis]) for axis in (0, 1))
            if height * width <= MOST_SEEN * x.shape[2] * x.shape[3]:
                x = x[:, :, :height, :width]
        y: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return y


def may_see_less(row: nn.Sequential) -> bool:
    """Whether a row may be a `CroppedRow`: it begins with windows, of which one is not moved by single pixels."""
    return type(row) is nn.Sequential and any(max(window.stride) > 1 for window in _windows(row))


class _Window(NamedTuple):
    reach: tuple[int, int]  # from the first to the last pixel that is looked at, down and to the right
    stride: tuple[int, int]


def _windows(row: nn.Sequential) -> list[_Window]:
    """Return what the first layers of a row look through, up to one that may see more than that."""
    windows = []
    for module in chain.from_iterable(map(in_line, row)):
        layer = module.pool if isinstance(module, PoolFirst) else module
        if window := _window(layer):
            windows.append(window)
        elif type(layer) not in _OF_SINGLE_PIXELS or not known(layer):
            break
    return windows


def _window(layer: nn.Module) -> _Window | None:
    """Return what a convolution or a pooling looks through, where it sees nothing but pixels of the image."""
    if type(layer) not in (*_CONVOLUTIONS, *_POOLINGS) or not known(layer):
        return None
    assert isinstance(layer, (nn.Conv2d, nn.MaxPool2d, nn.AvgPool2d))
    if layer.padding not in (0, (0, 0), "valid") or getattr(layer, "ceil_mode", False):
        return None
    size, stride, dilation = (
        _pair(value) for value in (layer.kernel_size, layer.stride, getattr(layer, "dilation", 1))
    )
    return _Window((dilation[0] * (size[0] - 1) + 1, dilation[1] * (size[1] - 1) + 1), stride)


def _pair(value: int | Sequence[int]) -> tuple[int, int]:
    height, width = (value, value) if isinstance(value, int) else value
    return height, width


def _seen(windows: Sequence[_Window], axis: int, side: int) -> int:
    """Return how many of the pixels along a side what comes behind all windows depends on."""
    count = side
    for window in windows:
        count = (count - window.reach[axis]) // window.stride[axis] + 1
    for window in reversed(windows):
        count = (count - 1) * window.stride[axis] + window.reach[axis]
    return count if count > 0 else side
