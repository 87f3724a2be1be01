"""Layers of a network replaced by ones that compute the same in less time on a CPU."""

from itertools import pairwise
from typing import Any, TypeGuard

import torch
from torch import Tensor, nn

# max(f(a), f(b)) = f(max(a, b)) for these, as they never fall.
_RISING = (nn.ReLU, nn.ReLU6, nn.LeakyReLU)


def lean(model: nn.Module) -> nn.Module:
    """Replace what can be faster in a network, in place, and return it. Names and shapes of weights stay as they are.

    - An activation before a max pooling goes behind it, where fewer pixels are left. Outputs are equal, and gradients
      too, but where rounding makes two pixels the same.
    - Dropout draws 16 random bits for an element and not one float: faster, and other elements than torch's.

    Modules with hooks stay: somebody waits for their very output.
    """
    for row in [module for module in model.modules() if _in_a_row(module)]:
        _pool_first(row)
    for parent in list(model.modules()):
        for name, child in parent.named_children():
            if type(child) is nn.Dropout and not _watched(child) and 0 < child.p < 1:
                setattr(parent, name, LeanDropout(child.p))
    return model


class LeanDropout(nn.Dropout):
    """Dropout with a probability in steps of 2^-16. On other devices than a CPU, torch's own."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements while training, and scale the others up."""
        if not self.training or x.device.type != "cpu" or not x.is_contiguous(memory_format=_format(x)):
            return super().forward(x)
        dropped: Tensor = _Drop.apply(x, self.p)
        return dropped


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
        words = torch.empty(-(-x.numel() // 4), dtype=torch.int64).random_(-(2**63), None)
        threshold = round(probability * 2**16) - 2**15
        kept = (words.view(torch.int16)[: x.numel()] >= threshold).as_strided(x.shape, x.stride())
        context.scale = 2**16 / (2**16 - round(probability * 2**16))
        context.save_for_backward(kept)
        return _scaled(x, kept, context.scale)

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None]:
        (kept,) = context.saved_tensors
        return _scaled(gradients[0], kept, context.scale), None


def _scaled(x: Tensor, kept: Tensor, scale: float) -> Tensor:
    product: Tensor = torch.ops.aten.native_dropout_backward(x, kept, scale)  # x * kept * scale, in one pass
    return product


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


def _in_a_row(module: nn.Module) -> TypeGuard[nn.Sequential]:
    """Whether a module does nothing but run its layers one after the other; libraries have some that do more."""
    return isinstance(module, nn.Sequential) and type(module).forward is nn.Sequential.forward


def _watched(*modules: nn.Module) -> bool:
    return any(module._forward_hooks or module._forward_pre_hooks for module in modules)
