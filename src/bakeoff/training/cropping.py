"""Pixels at the border of images that no output depends on are left out."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

from torch import Tensor, nn

from bakeoff.training.depthwise import LeanDepthwiseConv2d
from bakeoff.training.known import known
from bakeoff.training.pooling import LeanMaxPool2d, PoolFirst, pair
from bakeoff.training.products import LeanConv2d, LeanPointwiseConv2d
from bakeoff.training.rows import in_a_row

MOST_SEEN = 0.95  # of what the first window gives; where more of it is wanted, to crop is not worth its copy

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
            windows, through = _beginning(self)
            height, width = (_side(windows, axis, x.shape[2 + axis]) for axis in (0, 1))
            if height.share * width.share <= MOST_SEEN and all(map(known, through)):
                x = x[:, :, : height.seen, : width.seen]
        y: Tensor = super().forward(x)  # type: ignore[no-untyped-call]
        return y


def may_see_less(row: nn.Sequential) -> bool:
    """Whether a row may be a `CroppedRow`: behind the first window is one that may leave out some of what it gives."""
    windows, through = _beginning(row)
    moves = any(max(window.stride) > 1 for window in windows[1:])
    return type(row) is nn.Sequential and moves and all(map(known, through))


class _Window(NamedTuple):
    reach: tuple[int, int]  # from the first to the last pixel that is looked at, down and to the right
    stride: tuple[int, int]


class _Side(NamedTuple):
    seen: int  # pixels of the image
    share: float  # of what the first window gives along this side


def _beginning(row: nn.Sequential) -> tuple[list[_Window], list[nn.Module]]:
    """Return what the first layers of a row look through, up to one that may see more, and the modules up to there."""
    windows: list[_Window] = []
    through: list[nn.Module] = []
    for module in _modules(row):
        if window := _window(module):
            windows.append(window)
        elif not _holds(module) and not (windows and type(module) in _OF_SINGLE_PIXELS):
            break
        through.append(module)
    return windows, through


def _holds(module: nn.Module) -> bool:
    """Whether a module does nothing but what the ones in it do."""
    return in_a_row(module) or type(module) is PoolFirst


def _modules(row: nn.Sequential) -> Iterator[nn.Module]:
    """Yield what stands in a row, and in rows in it, in the order in which it computes."""
    for module in row:
        yield module
        if in_a_row(module):
            yield from _modules(module)
        elif type(module) is PoolFirst:
            yield from (module.pool, module.activation)


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
