"""Convolutions of every channel by itself, on whose way back oneDNN is slow where kernels are large."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.training.precision import is_cast
from bakeoff.training.windows import border_of, sides_of

COLUMNS = 3  # of a kernel at most, for whose gradients oneDNN has a fast way
CHANNELS = 96  # from which pieces of wide kernels are faster, by measurements
MANY_CHANNELS = 512  # from which they are also with a stride, or where an image has fewer rows than the kernel

Pair = tuple[int, int]


class LeanDepthwiseConv2d(nn.Conv2d):
    """Convolution of every channel by itself, in float32 or in pieces where it learns and that is faster.

    Elsewhere it is torch's. oneDNN is up to 24 times as slow backward in bfloat16 as in float32 where the stride or the
    kernel is large. In float32 too the gradients of a kernel take it ten times as long as the way forward, if that has
    more than `COLUMNS` columns, or more rows than the image: they are computed for some of its columns at a time.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve images."""
        learns = torch.is_grad_enabled() and (x.requires_grad or self.weight.requires_grad)
        if not learns or x.device.type != "cpu" or x.ndim != 4:
            return super().forward(x)
        pieces = self._has_pieces(x)
        convolve = self._in_pieces if pieces else super().forward
        if not is_cast(x) or not (pieces or max(self.stride) > 1 or max(self.kernel_size) > COLUMNS):
            return convolve(x)
        with torch.autocast("cpu", enabled=False):
            return convolve(x.float()).to(torch.get_autocast_dtype("cpu"))

    def _has_pieces(self, x: Tensor) -> bool:
        """Return whether gradients of the kernels are computed in pieces."""
        channels, (rows, columns) = self.in_channels, self.kernel_size
        wide = columns > COLUMNS
        if channels < (CHANNELS if wide and self.stride == (1, 1) else MANY_CHANNELS):
            return False
        if not wide and x.shape[2] >= _least_rows(rows, self.stride[0], border_of(self)[0]):
            return False
        fits = x.shape[1] == self.out_channels == channels and len(x) > 0 and min(sides_of(self, x)) > 0
        return fits and self.weight.requires_grad

    def _in_pieces(self, x: Tensor) -> Tensor:
        y: Tensor = _Convolve.apply(x, self.weight, self.bias, self.stride, border_of(self))
        return y


class _Convolve(torch.autograd.Function):
    """A convolution of every channel by itself, whose kernels get their gradients a few columns at a time."""

    @staticmethod
    def forward(context: Any, x: Tensor, weight: Tensor, bias: Tensor | None, stride: Pair, border: Pair) -> Tensor:
        context.save_for_backward(x, weight)
        context.stride, context.border = stride, border
        return functional.conv2d(x, weight, bias, stride, border, groups=len(weight))

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None, None, None]:
        (gradient,), (x, weight) = gradients, context.saved_tensors
        settings, (wanted, _, of_bias, *_) = (context.stride, context.border), context.needs_input_grad
        towards_x = _backward(gradient, x, weight, *settings, [True, False, False])[0] if wanted else None
        towards_bias = gradient.sum((0, 2, 3)) if of_bias else None
        return towards_x, _of_kernels(gradient, x, weight, *settings), towards_bias, None, None


def _of_kernels(gradient: Tensor, x: Tensor, weight: Tensor, stride: Pair, border: Pair) -> Tensor:
    """Return the gradients of kernels, as many columns at a time as oneDNN has a fast way for.

    Columns further to the right see images that begin further to the right. Where images have their border in memory,
    that is the same memory from another pixel on; what a row then has of the next one meets gradients of zero.
    """
    count, channels, *image = x.shape
    rows, columns = weight.shape[2:]
    width = min(columns, COLUMNS)
    firsts = range(0, columns, width)
    above = border[0] if image[0] < _least_rows(rows, stride[0], border[0]) else 0
    height, across = image[0] + 2 * above, image[1] + 2 * border[1]
    pixels = _within_zeros(x, (height, across), (above, border[1]), more=firsts[-1])
    steps = (across - width) // stride[1] + 1
    if steps > gradient.shape[3]:
        size = gradient.shape[2], steps
        gradient = _within_zeros(gradient, size, (0, 0)).view(count, *size, channels).permute(0, 3, 1, 2)
    pieces = []
    for first in firsts:
        seen = pixels[first : first + count * height * across].view(count, height, across, channels)
        piece, around, mask = weight.new_empty(channels, 1, rows, width), (border[0] - above, 0), [False, True, False]
        pieces.append(_backward(gradient, seen.permute(0, 3, 1, 2), piece, stride, around, mask)[1])
    return torch.cat(pieces, 3)[..., :columns]


def _within_zeros(x: Tensor, size: Pair, begin: Pair, more: int = 0) -> Tensor:
    """Return the pixels of images and of zeros around and behind them, shape (N * height * width + more, C).

    Args:
        x: images, shape (N, C, H, W).
        size: height and width with zeros.
        begin: row and column of the images' first pixel.
        more: pixels behind the last image.
    """
    count, channels, height, width = x.shape
    pixels = x.new_zeros(count * size[0] * size[1] + more, channels)
    images = pixels[: count * size[0] * size[1]].view(count, *size, channels)
    images[:, begin[0] : begin[0] + height, begin[1] : begin[1] + width] = x.permute(0, 2, 3, 1)
    return pixels


def _least_rows(kernel: int, stride: int, border: int) -> int:
    """Return how many rows an image must have for oneDNN's fast way, by where times jump.

    They are those of the kernel, and as many as the border lacks to be a multiple of the stride.
    """
    return kernel + -border % stride


def _backward(
    gradient: Tensor, x: Tensor, weight: Tensor, stride: Pair, border: Pair, mask: list[bool]
) -> tuple[Tensor | None, Tensor, Tensor | None]:
    """Return torch's gradients of images, kernels and biases, of those that the mask asks for."""
    settings = stride, border, (1, 1), False, (0, 0), len(weight), mask
    found: tuple[Tensor | None, Tensor, Tensor | None]
    found = torch.ops.aten.convolution_backward(gradient, x, weight, None, *settings)
    return found
