"""Pixels at the border of images that no output depends on are left out."""

from collections.abc import Iterator, Sequence
from itertools import chain
from typing import NamedTuple

from torch import Tensor, nn

from bakeoff.training.known import known
from bakeoff.training.pooling import LeanMaxPool2d, PoolFirst, pair
from bakeoff.training.products import LeanConv2d, LeanDepthwiseConv2d, LeanPointwiseConv2d
from bakeoff.training.rows import in_a_row

MOST_SEEN = 0.95  # of what the first window gives, where images are cropped: for less it is not worth a copy

# These very classes, as others may pad in their forward pass.
_CONVOLUTIONS = (nn.Conv2d, LeanConv2d, LeanPointwiseConv2d, LeanDepthwiseConv2d)
_POOLINGS = (nn.MaxPool2d, LeanMaxPool2d, nn.AvgPool2d)
_OF_SINGLE_PIXELS = (nn.Identity, nn.ReLU, nn.ReLU6, nn.LeakyReLU, nn.ELU, nn.GELU, nn.SiLU, nn.Tanh, nn.Sigmoid)


class CroppedRow(nn.Sequential):
    """A row of layers that begins with windows without padding, of which images are cropped to what outputs depend on.

    Where windows do not fit into what came before, its last rows and columns are computed for nobody: of 32x32 pixels,
    two convolutions of 3x3, each before a pooling of 2x2, see 30x30. Outputs and gradients are equal to rounding.

    Only training crops, so that what is counted of a network is all of it. Images that want gradients of their own stay
    whole, and what a hook waits for is whole as well.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Run the layers."""
        if self.training and x.ndim == 4 and not x.requires_grad:
            windows = _windows(self)
            height, width = (_side(windows, axis, x.shape[2 + axis]) for axis in (0, 1))
            if height.share * width.share <= MOST_SEEN:
                x = x[:, :, : height.seen, : width.seen]
        y: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return y


def may_see_less(row: nn.Sequential) -> bool:
    """Whether a row may be a `CroppedRow`: behind the first window is one that may leave out some of what it gives."""
    return type(row) is nn.Sequential and any(max(window.stride) > 1 for window in _windows(row)[1:])


class _Window(NamedTuple):
    reach: tuple[int, int]  # from the first to the last pixel that is looked at, down and to the right
    stride: tuple[int, int]


class _Side(NamedTuple):
    seen: int  # pixels of the image
    share: float  # of what the first window gives along this side


def _windows(row: nn.Sequential) -> list[_Window]:
    """Return what the first layers of a row look through, up to one that may see more than that or is looked at."""
    windows: list[_Window] = []
    for layer in chain.from_iterable(map(_layers, row)):
        window = _window(layer) if known(layer) else None
        if window:
            windows.append(window)
        elif not windows or type(layer) not in _OF_SINGLE_PIXELS or not known(layer):
            break
    return windows


def _layers(module: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of a row, or a module itself, which a row is where hooks wait for what it gives."""
    if in_a_row(module) and known(module):
        for child in module:
            yield from _layers(child)
    elif type(module) is PoolFirst and known(module) and known(module.activation):
        yield from (module.pool, module.activation)
    else:
        yield module


def _window(layer: nn.Module) -> _Window | None:
    """Return what a convolution or a pooling looks through, where it sees and gives nothing but pixels of the image."""
    if type(layer) not in (*_CONVOLUTIONS, *_POOLINGS):
        return None
    assert isinstance(layer, nn.Conv2d | nn.MaxPool2d | nn.AvgPool2d)
    size, stride, dilation = pair(layer.kernel_size), pair(layer.stride), pair(getattr(layer, "dilation", 1))
    more = layer.padding not in (0, (0, 0), "valid") or getattr(layer, "ceil_mode", False)
    if not size or not stride or not dilation or more or getattr(layer, "return_indices", False):
        return None
    return _Window((dilation[0] * (size[0] - 1) + 1, dilation[1] * (size[1] - 1) + 1), stride)


def _side(windows: Sequence[_Window], axis: int, pixels: int) -> _Side:
    """Return how much of a side of images what comes behind all windows depends on."""
    counts = [pixels]
    for window in windows:
        counts.append((counts[-1] - window.reach[axis]) // window.stride[axis] + 1)
    if len(windows) < 2 or min(counts) < 1:
        return _Side(pixels, 1.0)
    seen = [counts[-1]]
    for window in reversed(windows):
        seen.append((seen[-1] - 1) * window.stride[axis] + window.reach[axis])
    return _Side(seen[-1], seen[-2] / counts[1])
