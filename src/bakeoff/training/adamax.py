"""Adamax on a CPU, in less time than torch's."""

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor


class Adamax(torch.optim.Optimizer):
    """Adam with an infinity norm: what `torch.optim.Adamax` computes, to rounding, with state of the same names.

    torch has fused kernels of SGD and Adam for a CPU, and none of Adamax: it goes through the weights one at a time,
    and makes new tensors on the way. Here an operation is one call for all weights, and works on gradients in place.

    Args:
        groups: of parameters, on a CPU.
        lr: learning rate of groups that have none of their own.
        betas: how much of the mean and of the largest gradient is kept in a step.
        eps: added to the size of a gradient.

    Source: Kingma & Ba 2015, Adam: a method for stochastic optimization (arXiv:1412.6980), algorithm 2.
    """

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, betas: tuple[float, float], eps: float) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient. What is in the gradients afterwards is of no use."""
        assert closure is None, "a step is taken on gradients that are there"
        for group in self.param_groups:
            weights = [weight for weight in group["params"] if weight.grad is not None]
            if not weights:
                continue
            gradients = [weight.grad for weight in weights]
            states = [self._state(weight) for weight in weights]
            steps, means, largest = ([state[name] for state in states] for name in ("step", "exp_avg", "exp_inf"))
            mean_kept, largest_kept = group["betas"]
            if group["weight_decay"]:
                torch._foreach_add_(gradients, weights, alpha=group["weight_decay"])
            torch._foreach_add_(steps, 1)
            torch._foreach_lerp_(means, gradients, 1 - mean_kept)
            torch._foreach_mul_(largest, largest_kept)
            torch._foreach_abs_(gradients)
            torch._foreach_add_(gradients, group["eps"])
            torch._foreach_maximum_(largest, gradients)
            rates = [-group["lr"] / (1 - mean_kept ** step.item()) for step in steps]
            torch._foreach_addcdiv_(weights, means, largest, rates)

    def _state(self, weight: Tensor) -> dict[str, Tensor]:
        state: dict[str, Tensor] = self.state[weight]
        if not state:
            state["step"] = torch.tensor(0.0)
            state |= {name: torch.zeros_like(weight) for name in ("exp_avg", "exp_inf")}
        return state
