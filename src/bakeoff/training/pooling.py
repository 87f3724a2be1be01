"""Max pooling on a CPU: before activations, and with gradients that are put into place."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.training.layout import layout
from bakeoff.training.rows import in_a_row, in_line, watched

# max(f(a), f(b)) = f(max(a, b)) for these, as they never fall.
_RISING = (nn.ReLU, nn.ReLU6, nn.LeakyReLU)


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
        first, second = (self.activation, self.pool) if watched(self.activation) else (self.pool, self.activation)
        y: Tensor = second(first(x))
        return y


def pool_first(row: nn.Sequential) -> None:
    """Let activations before a max pooling change places with it."""
    layers = list(row._modules)  # and not `named_children`, which leaves out what comes twice
    for before, name, behind in zip(layers, layers[1:], [*layers[2:], None], strict=False):
        pool = getattr(row, name)
        holder, place = _last_layer(row, before)
        activation = getattr(holder, place)
        may_move = isinstance(activation, _RISING) and type(pool) is nn.MaxPool2d and not pool.return_indices
        # What an activation gives is wanted on the way back, and would be written over.
        kept = behind is None or not getattr(next(in_line(getattr(row, behind)), None), "inplace", False)
        if may_move and kept and not watched(activation, getattr(row, before), pool):
            setattr(holder, place, nn.Identity())
            setattr(row, name, PoolFirst(pool, activation))


def are_apart(pool: nn.MaxPool2d) -> bool:
    """Whether a pooling's windows lie beside each other and within the image, and nobody asks for places."""
    size, stride = pair(pool.kernel_size), pair(pool.stride)
    return (
        size is not None
        and stride is not None
        and stride[0] >= size[0]
        and stride[1] >= size[1]
        and pool.padding in (0, (0, 0))
        and pool.dilation in (1, (1, 1))
        and not (pool.ceil_mode or pool.return_indices)
    )


def pair(value: object) -> tuple[int, int] | None:
    """Return a setting down and to the right, or None where it is written in another of the ways that torch takes."""
    if isinstance(value, int):
        return value, value
    return (value[0], value[1]) if isinstance(value, tuple | list) and len(value) == 2 else None


class _Pool(torch.autograd.Function):
    @staticmethod
    def forward(context: Any, x: Tensor, size: int | tuple[int, int], stride: int | tuple[int, int]) -> Tensor:
        pooled: Tensor
        pooled, indices = functional.max_pool2d(x, size, stride, return_indices=True)
        context.save_for_backward(indices)
        context.shape, context.format = x.shape[-2:], layout(x)
        return pooled

    @staticmethod
    def backward(context: Any, *gradients: Tensor) -> tuple[Tensor, None, None]:
        (indices,) = context.saved_tensors
        gradient = gradients[0].contiguous(memory_format=context.format)
        unpooled: Tensor = torch.ops.aten.max_unpool2d(gradient, indices, context.shape)
        return unpooled, None, None


def _last_layer(holder: nn.Module, place: str) -> tuple[nn.Module, str]:
    """Return what holds the layer that comes last in a child of a module, and under which name."""
    while in_a_row(child := getattr(holder, place)) and len(child):
        holder, place = child, list(child.named_children())[-1][0]
    return holder, place
