"""Layers of a network replaced by ones that compute the same in less time on a CPU."""

from collections.abc import Iterator
from itertools import pairwise
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.training.known import known
from bakeoff.training.products import LeanLinear, is_small, leaner_convolution

# max(f(a), f(b)) = f(max(a, b)) for these, as they never fall.
_RISING = (nn.ReLU, nn.ReLU6, nn.LeakyReLU)

# An operation of its own because recorded passes are written down as Python, in which `random_.from` is no name.
torch.library.define("bakeoff::random_words", "(int count) -> Tensor")


@torch.library.impl("bakeoff::random_words", "CompositeExplicitAutograd")
def _random_words(count: int) -> Tensor:
    return torch.empty(count, dtype=torch.int64).random_(-(2**63), None)


def lean(model: nn.Module) -> nn.Module:
    """Replace what can be faster in a network, in place, and return it. Names and shapes of weights stay as they are.

    - An activation before a max pooling goes behind it, where fewer pixels are left. Outputs are equal, and gradients
      too, but where rounding makes two pixels the same.
    - Max pooling in bfloat16 is faster backward, where windows do not overlap. Gradients are equal.
    - Dropout draws 8 or 16 random bits for an element and not one float: faster, and other elements than torch's.
    - Convolutions with few pixels are matrix products, and some depthwise ones are trained in float32 where others
      compute in bfloat16. Outputs and gradients are equal to rounding.
    - Small dense layers compute in float32 where the network is one row of known layers.

    Modules with hooks stay: somebody waits for their very output.
    """
    for row in [module for module in model.modules() if _in_a_row(module)]:
        _pool_first(row)
    for layer in [*model.modules()]:
        if (kind := _leaner(layer)) and not _watched(layer):
            layer.__class__ = kind  # its weights, and who else has it, stay
    line = list(_in_line(model))
    if all(map(known, line)):  # others may want the format that they would get
        for layer in filter(is_small, line):
            layer.__class__ = LeanLinear
    return model


class LeanDropout(nn.Dropout):
    """Dropout with a probability in steps of 2^-16, from 8 bits where they will do. On other devices, torch's own."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements while training, and scale the others up."""
        if not self.training or x.device.type != "cpu" or not x.is_contiguous(memory_format=_format(x)):
            return super().forward(x)
        dropped: Tensor = _Drop.apply(x, self.p)
        return dropped


class LeanMaxPool2d(nn.MaxPool2d):
    """Max pooling with windows that do not overlap, where gradients are put into place and nothing is summed.

    torch sums them, and in bfloat16 converts both terms for each sum; in other formats its own way is the faster one.
    """

    def forward(self, x: Tensor) -> Tensor:
        """Return the largest element of every window."""
        learns = x.requires_grad and torch.is_grad_enabled()
        # torch takes what puts gradients into place for random, as it would be where windows overlap.
        if (
            not learns
            or x.dtype != torch.bfloat16
            or x.device.type != "cpu"
            or torch.are_deterministic_algorithms_enabled()
        ):
            largest: Tensor = super().forward(x)
            return largest
        pooled: Tensor = _Pool.apply(x, self.kernel_size, self.stride)
        return pooled


class PoolFirst(nn.Module):
    """An activation behind the max pooling that it stood before; before it again as soon as somebody watches it."""

    def __init__(self, pool: nn.MaxPool2d, activation: nn.Module) -> None:
        super().__init__()
        self.pool = pool
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        """Pool and activate."""
        first, second = (self.activation, self.pool) if _watched(self.activation) else (self.pool, self.activation)
        y: Tensor = second(first(x))
        return y


class _Drop(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, probability: float) -> Tensor:
        noise, context.largest_dropped, dropped = _noise(x, probability)
        context.scale = 1 / (1 - dropped)
        context.save_for_backward(noise)
        return _kept(x, noise, context.largest_dropped, context.scale)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (noise,) = context.saved_tensors
        return _kept(gradients[0], noise, context.largest_dropped, context.scale), None


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, size: int | tuple[int, int], stride: int | tuple[int, int]) -> Tensor:
        pooled: Tensor
        pooled, indices = functional.max_pool2d(x, size, stride, return_indices=True)
        context.save_for_backward(indices)
        context.shape, context.format = x.shape[-2:], _format(x)
        return pooled

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (indices,) = context.saved_tensors
        gradient = gradients[0].contiguous(memory_format=context.format)
        unpooled: Tensor = torch.ops.aten.max_unpool2d(gradient, indices, context.shape)
        return unpooled, None, None


def _noise(x: Tensor, probability: float) -> tuple[Tensor, int, float]:
    """Return random numbers in the form of a tensor, the largest that drops its element, and how probable that is."""
    bits = 8 if (probability * 2**8).is_integer() else 16
    words: Tensor = torch.ops.bakeoff.random_words(-(-x.numel() * bits // 64))
    steps = min(round(probability * 2**bits), 2**bits - 1)  # something is kept
    if bits == 8:  # all of 0 to 255 are numbers of every format
        noise = words.view(torch.uint8)[: x.numel()].to(x.dtype)
        largest = steps - 1
    else:
        noise = (words.view(torch.int16)[: x.numel()] >= steps - 2**15).to(x.dtype)
        largest = 0
    return noise.as_strided(x.shape, x.stride()), largest, steps / 2**bits


def _kept(x: Tensor, noise: Tensor, largest_dropped: int, scale: float) -> Tensor:
    """Return what is kept of a tensor, scaled up: two passes where the kernels of dropout itself take several."""
    kept: Tensor = torch.ops.aten.threshold_backward(x, noise, largest_dropped)  # x where the noise is larger, else 0
    return kept.mul_(scale)


def _format(x: Tensor) -> torch.memory_format:
    channels_last = x.ndim == 4 and x.is_contiguous(memory_format=torch.channels_last)
    return torch.channels_last if channels_last else torch.contiguous_format


def _pool_first(row: nn.Sequential) -> None:
    """Let activations before a max pooling change places with it."""
    layers = list(row._modules)  # and not `named_children`, which leaves out what comes twice
    for before, name in pairwise(layers):
        pool = getattr(row, name)
        holder, place = _last_layer(row, before)
        activation = getattr(holder, place)
        watched = _watched(activation, getattr(row, before), pool)
        if isinstance(activation, _RISING) and type(pool) is nn.MaxPool2d and not watched:
            setattr(holder, place, nn.Identity())
            setattr(row, name, PoolFirst(pool, activation))


def _last_layer(holder: nn.Module, place: str) -> tuple[nn.Module, str]:
    """Return what holds the layer that comes last in a child of a module, and under which name."""
    while _in_a_row(child := getattr(holder, place)) and len(child):
        holder, place = child, list(child.named_children())[-1][0]
    return holder, place


def _apart(pool: nn.MaxPool2d) -> bool:
    """Whether a pooling's windows lie beside each other and within the image, and nobody asks for places."""
    # torch also takes lists, which would be compared as words are.
    pairs = ((value, value) if isinstance(value, int) else tuple(value) for value in (pool.stride, pool.kernel_size))
    fit = all(stride >= size for stride, size in zip(*pairs, strict=True))
    return (
        fit
        and pool.padding in (0, (0, 0))
        and pool.dilation in (1, (1, 1))
        and not (pool.ceil_mode or pool.return_indices)
    )


def _leaner(layer: nn.Module) -> type[nn.Module] | None:
    """Return the class that a layer may have instead of its own, whatever comes before and behind it."""
    if type(layer) is nn.Dropout and 0 < layer.p < 1:
        return LeanDropout
    if type(layer) is nn.MaxPool2d and _apart(layer):
        return LeanMaxPool2d
    return leaner_convolution(layer) if type(layer) is nn.Conv2d else None


def _in_line(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of a network that is a row of layers and rows, or the network itself."""
    if _in_a_row(network):
        for layer in network:
            yield from _in_line(layer)
    else:
        yield network


def _in_a_row(module: nn.Module) -> TypeGuard[nn.Sequential]:
    """Whether a module does nothing but run its layers one after the other; libraries have some that do more."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _watched(*modules: nn.Module) -> bool:
    return any(module._forward_hooks or module._forward_pre_hooks for module in modules)
