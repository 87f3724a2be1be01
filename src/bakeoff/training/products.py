"""Convolutions and dense layers in the way and the number format in which a CPU is fastest at them."""

import math
from functools import cache
from typing import Any, NamedTuple, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.training import winograd
from bakeoff.training.depthwise import LeanDepthwiseConv2d
from bakeoff.training.precision import is_cast
from bakeoff.training.windows import border_of, sides_of

FEW_PIXELS = 16  # of the output of a convolution that is a product at least in part, on every processor
MOST_PIXELS = 256  # of the output of a convolution of single pixels without a stride that is a product
FEW_CHANNELS = 16  # below which oneDNN writes outside its memory where single pixels have a stride
MOST_WEIGHTS = 2**16  # of a dense layer that is computed in float32


class LeanPointwiseConv2d(nn.Conv2d):
    """Convolution of single pixels that is a matrix product where its output has few of them; elsewhere torch's.

    oneDNN, which torch calls, cuts the work into pieces along the pixels, and is up to six times slower than a product.
    Where the stride leaves pixels out and the channels are few, the gradients that it computes from channels-last
    images are wrong, and it writes outside their memory (torch 2.15, mostly in float32). Such a convolution gets the
    pixels that it sees, without a stride.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve images, of which a product leaves the output in channels-last format."""
        fits = x.ndim == 4 and x.shape[1] == self.in_channels and 0 not in x.shape[2:]
        if x.device.type != "cpu" or not fits:
            return super().forward(x)
        rows, columns = self.stride
        seen = x if rows == columns == 1 else x[:, :, ::rows, ::columns]
        if seen.shape[2] * seen.shape[3] <= self._most_pixels(x):
            weight = self.weight.view(self.out_channels, self.in_channels)
            return functional.linear(seen.permute(0, 2, 3, 1), weight, self.bias).permute(0, 3, 1, 2)
        if self.stride != (1, 1) and self.in_channels < FEW_CHANNELS:
            return functional.conv2d(seen, self.weight, self.bias)
        return super().forward(x)

    def _most_pixels(self, x: Tensor) -> int:
        """Return how many pixels the output may have to be a product."""
        dtype = torch.get_autocast_dtype("cpu") if is_cast(x) else x.dtype
        if self.stride == (1, 1):
            return 0 if _has_slow_products(dtype) else MOST_PIXELS
        return _few_pixels(self.in_channels, dtype)


class LeanConv2d(nn.Conv2d):
    """Convolution of which a training computes as matrix products what is faster so, where its output has few pixels.

    Elsewhere it is torch's, or Winograd's where that is faster. oneDNN takes up to ten times as long for the gradients
    of weights, and up to four times for the rest where there are hundreds of channels. A product leaves the output in
    channels-last format, and keeps what each kernel sees, such as nine times the image, for the way back.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Convolve images."""
        dtype = torch.get_autocast_dtype("cpu") if is_cast(x) else x.dtype
        if not self._learns_from(x):
            return super().forward(x)
        if not self._is_product(x, dtype):
            faster = self.training and not is_cast(x) and winograd.is_faster(self, x)
            return winograd.convolve(x, self.weight, self.bias) if faster else super().forward(x)
        bias = None if self.bias is None else self.bias.to(dtype)
        settings = self.stride, border_of(self), self._further(x, dtype)
        y: Tensor = _Convolve.apply(x.to(dtype), self.weight.to(dtype), bias, *settings)
        return y

    def _learns_from(self, x: Tensor) -> bool:
        """Return whether weights get gradients from images on which a kernel finds a place."""
        learns = torch.is_grad_enabled() and self.weight.requires_grad
        fits = learns and x.device.type == "cpu" and x.ndim == 4 and x.shape[1] == self.in_channels
        return fits and min(sides_of(self, x)) > 0

    def _is_product(self, x: Tensor, dtype: torch.dtype) -> bool:
        """Return whether the gradients of weights are a product."""
        return math.prod(sides_of(self, x)) <= _few_pixels(self.in_channels, dtype)

    def _further(self, x: Tensor, dtype: torch.dtype) -> "_Further":
        """Return what else is a product while training; elsewhere outputs are torch's to the last bit."""
        channels, pixels = min(self.in_channels, self.out_channels), math.prod(sides_of(self, x))
        few = self.training and pixels <= FEW_PIXELS
        output, images = (few and channels >= least for least in _enough_channels(dtype))
        # Gradients are convolved as images are where a kernel moves by single pixels and never lies in the border.
        inside = all(border < side for border, side in zip(border_of(self), self.kernel_size, strict=True))
        return _Further(output, images and self.stride == (1, 1) and inside)


class LeanLinear(nn.Linear):
    """A small dense layer, in float32 also where others compute in bfloat16.

    A product of a few thousand numbers in bfloat16 costs oneDNN more than the numbers do.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Multiply and add."""
        if not is_cast(x):
            return super().forward(x)
        with torch.autocast("cpu", enabled=False):
            return super().forward(x.float())


def leaner_convolution(layer: nn.Conv2d) -> type[nn.Conv2d] | None:
    """Return the class that a convolution may have instead of its own, if there is one."""
    single = layer.kernel_size == (1, 1)
    apart = layer.dilation != (1, 1) and not single
    if apart or layer.padding_mode != "zeros" or layer.weight.dtype != torch.float32:
        return None
    uneven = layer.padding == "same" and any(side % 2 == 0 for side in layer.kernel_size)
    if layer.groups > 1:
        return LeanDepthwiseConv2d if layer.groups == layer.in_channels and not uneven else None
    if single:
        return LeanPointwiseConv2d if layer.padding in ((0, 0), "valid", "same") else None
    large = layer.kernel_size[0] * layer.kernel_size[1] > 9  # for which a product takes much memory
    return None if uneven or large else LeanConv2d


def is_small(layer: nn.Module) -> TypeGuard[nn.Linear]:
    """Whether a layer is a dense one that may be a `LeanLinear`."""
    return type(layer) is nn.Linear and layer.weight.numel() <= MOST_WEIGHTS and layer.weight.dtype == torch.float32


class _Further(NamedTuple):
    """What of a convolution is a product besides the gradients of weights: its output, and the gradients of images."""

    output: bool
    images: bool


class _Convolve(torch.autograd.Function):
    """A convolution whose weights get their gradients from one product of gradients and patches."""

    @staticmethod
    def forward(
        context: Any,
        x: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        stride: tuple[int, int],
        border: tuple[int, int],
        products: _Further,
    ) -> Tensor:
        context.stride, context.border, context.has_bias, context.products = stride, border, bias is not None, products
        if not products.output:
            context.save_for_backward(x, weight)
            return functional.conv2d(x, weight, bias, stride, border)
        patches = _patches(x, weight.shape[2:], stride, border)
        context.save_for_backward(x, weight, patches)
        # Written into what is returned, since a view of it could not be worked on in place.
        size = len(x), len(weight), *patches.shape[1:3]
        y = torch.empty(size, dtype=x.dtype, device=x.device, memory_format=torch.channels_last)
        rows, kernels = patches.flatten(0, 2), weight.permute(0, 2, 3, 1).flatten(1).t()
        out = y.permute(0, 2, 3, 1).flatten(0, 2)
        if bias is None:
            torch.mm(rows, kernels, out=out)
        else:
            torch.addmm(bias, rows, kernels, out=out)
        return y

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor | None, Tensor, Tensor | None, None, None, None]:
        x, weight, *patches = context.saved_tensors
        (gradient,) = gradients
        towards_x = None
        if context.needs_input_grad[0] and context.products.images:
            height, width = weight.shape[2:]
            around = height - 1 - context.border[0], width - 1 - context.border[1]
            turned = weight.permute(2, 3, 0, 1).flip(0, 1).flatten(0, 2)
            towards_x = (_patches(gradient, weight.shape[2:], (1, 1), around) @ turned).permute(0, 3, 1, 2)
        elif context.needs_input_grad[0]:
            mask = [True, False, False]
            settings = context.stride, context.border, (1, 1), False, (0, 0), 1, mask
            towards_x = torch.ops.aten.convolution_backward(gradient, x, weight, None, *settings)[0]
        if not patches or torch.is_grad_enabled():  # for gradients of gradients they must come from the image
            patches = [_patches(x, weight.shape[2:], context.stride, context.border)]
        rows = gradient.permute(0, 2, 3, 1).flatten(0, 2)
        products = rows.t() @ patches[0].flatten(0, 2)
        towards_weight = products.view(weight.shape[0], *weight.shape[2:], -1).permute(0, 3, 1, 2)
        return towards_x, towards_weight, rows.sum(0) if context.has_bias else None, None, None, None


def _patches(x: Tensor, size: torch.Size, stride: tuple[int, int], border: tuple[int, int]) -> Tensor:
    """Return what a kernel of a size sees at every place of images: (images, rows, columns, pixels * channels)."""
    images = x.permute(0, 2, 3, 1)
    if any(border):
        images = functional.pad(images, (0, 0, border[1], border[1], border[0], border[0]))
    patches = images.unfold(1, size[0], stride[0]).unfold(2, size[1], stride[1])
    return patches.permute(0, 1, 2, 4, 5, 3).flatten(3)


def _few_pixels(channels: int, dtype: torch.dtype) -> int:
    """Return up to how many pixels of output the gradients of weights are faster as a product, by measurements."""
    if _has_slow_products(dtype):
        return 0
    if dtype != torch.bfloat16 or not _has_tiles() or channels < 64:
        return FEW_PIXELS
    return 36 if channels < 128 else 64


def _enough_channels(dtype: torch.dtype) -> tuple[float, float]:
    """Return from how many channels on the output, and the gradients of images, are faster as products.

    That is by measurements too, where the output has at most `FEW_PIXELS`.
    """
    if dtype.itemsize >= torch.float32.itemsize:
        return 256, 512
    return (0, 512) if dtype == torch.bfloat16 and _has_tiles() else (math.inf, math.inf)


def _has_slow_products(dtype: torch.dtype) -> bool:
    """Whether products in a number format are slower than convolutions of as many multiplications.

    MKL, which torch calls for products in float32 and wider, leaves the wide vectors of AMD's processors unused, and
    oneDNN, which it calls for the rest, does not: a product takes up to twice as long there.
    """
    return dtype.itemsize >= torch.float32.itemsize and _is_wide_amd()


@cache
def _is_wide_amd() -> bool:
    has = torch.cpu.get_capabilities()
    return bool(has.get("sse4a") and has.get("avx512_f"))  # no other maker has the first


@cache
def _has_tiles() -> bool:
    """Whether the CPU multiplies whole tiles of bfloat16, which makes products faster still."""
    return bool(torch.cpu.get_capabilities().get("amx_bf16"))
