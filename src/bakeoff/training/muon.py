"""Muon: momentum whose updates of kernels are made orthogonal."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

_STEPS = 3
_LEAST_NORM = 1e-10  # far below that of any gradient, also of a mean loss over thousands of images
_QUINTIC = (3.4445, -4.7750, 2.0315)  # steep at zero, so that small singular values grow fast


class Muon(torch.optim.Optimizer):
    """Momentum with orthogonal updates for kernels, and SGD with Nesterov momentum for everything else.

    An update of a kernel, read as a matrix with a row for each output, is brought near the orthogonal matrix of its
    own singular vectors; the kernel itself is held at a norm of the square root of its rows, which the normalization
    behind it makes free.

    Args:
        groups: of parameters, each with its `momentum`; `orthogonal` says which hold kernels. The others may have a
            `weight_decay`, added to the gradient.
        lr: learning rate of groups that have none of their own.

    Source: Jordan et al. 2024, Muon: an optimizer for hidden layers in neural networks; the norm and the number of
    steps are those of the same author's CIFAR-10 speedrun.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float) -> None:
        super().__init__(groups, {"lr": lr, "momentum": 0.0, "weight_decay": 0.0, "orthogonal": False})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient."""
        assert closure is None, "a step is taken on gradients that are there"
        for group in self.param_groups:
            for weight in group["params"]:
                if weight.grad is None:
                    continue
                gradient = weight.grad.add(weight, alpha=group["weight_decay"])
                update = self._nesterov(weight, gradient, group["momentum"])
                if group["orthogonal"]:
                    weight.mul_(len(weight) ** 0.5 / weight.norm())
                    update = orthogonal(update.reshape(len(update), -1)).reshape(weight.shape)
                weight.add_(update, alpha=-group["lr"])

    def _nesterov(self, weight: Tensor, gradient: Tensor, momentum: float) -> Tensor:
        state: dict[str, Tensor] = self.state[weight]
        if "momentum_buffer" not in state:
            state["momentum_buffer"] = torch.zeros_like(weight)
        buffer = state["momentum_buffer"].mul_(momentum).add_(gradient)
        ahead: Tensor = gradient.add(buffer, alpha=momentum)
        return ahead


def orthogonal(matrix: Tensor) -> Tensor:
    """Return about U V' for a matrix U S V': its singular values come out near 1, between .5 and 1.5 for most.

    By three steps of a quintic Newton-Schulz iteration, in bfloat16 where that is fast.
    """
    a, b, c = _QUINTIC
    x = matrix.bfloat16() if matrix.device.type == "cuda" else matrix
    x = x / (x.norm() + _LEAST_NORM)
    turned = x.shape[0] > x.shape[1]
    x = x.T if turned else x
    for _ in range(_STEPS):
        products = x @ x.T
        x = a * x + (b * products + c * products @ products) @ x
    found: Tensor = (x.T if turned else x).type_as(matrix)
    return found
