"""Adam and its kin on a CPU, in less time than torch's."""

from abc import abstractmethod
from collections.abc import Callable, Iterable
from inspect import unwrap
from itertools import chain
from typing import Any, NamedTuple

import torch
from torch import Tensor

TINY = 1e-36  # has no part in any update, since `eps` is far larger than its root
STEPS = 32  # within which nothing above becomes too small for a CPU to be fast at, unless less than 0.87 is kept of it

State = dict[str, Tensor]


class _Lists(NamedTuple):
    """What a step goes through, each a tensor for every weight of a group."""

    weights: list[Tensor]
    gradients: list[Tensor]
    mean: list[Tensor]
    size: list[Tensor]
    steps: list[Tensor]


class _OnCPU(torch.optim.Optimizer):
    """An optimizer that goes through all weights of a group with each of its calls.

    What torch does around its kernels, for every weight and at every step, takes longer than the kernels themselves
    where networks are small.

    A weight that gets no gradients any more, such as one of a unit that is never active, has running figures that
    decay until their exponents end, where arithmetic takes many times as long and rounds such that they stay there.
    Figures below `TINY` are therefore set to zero every `STEPS` steps.

    Args:
        groups: of parameters, on a CPU.
        lr: learning rate of groups that have none of their own.
        betas: how much of the two running figures of the gradient is kept in a step.
        eps: added to the size of a gradient.
    """

    figures: tuple[str, str]  # names of the two running figures, in the state of every weight

    # What torch wraps around these loads its compiler, which is slow, to keep them from being compiled.
    add_param_group = unwrap(torch.optim.Optimizer.add_param_group)
    state_dict = unwrap(torch.optim.Optimizer.state_dict)
    load_state_dict = unwrap(torch.optim.Optimizer.load_state_dict)

    def __init__(self, groups: Iterable[dict[str, Any]], lr: float, betas: tuple[float, float], eps: float) -> None:
        super().__init__(groups, {"lr": lr, "betas": betas, "eps": eps, "weight_decay": 0.0})

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> None:  # type: ignore[override]
        """Update every parameter that has a gradient. What is in the gradients afterwards is of no use."""
        assert closure is None, "a step is taken on gradients that are there"
        for group in self.param_groups:
            if weights := [weight for weight in group["params"] if weight.grad is not None]:
                states = [self._state(weight) for weight in weights]
                steps, mean, size = [[state[name] for state in states] for name in ("step", *self.figures)]
                torch._foreach_add_(steps, 1)
                gradients = [weight.grad for weight in weights if weight.grad is not None]
                self._update(group, _Lists(weights, gradients, mean, size, steps))
                if steps[0].item() % STEPS == 0:
                    for figure in chain(mean, size):
                        torch.hardshrink(figure, TINY, out=figure)

    def zero_grad(self, set_to_none: bool = True) -> None:
        """Forget all gradients."""
        assert set_to_none, "a step takes what has a gradient"
        for group in self.param_groups:
            for weight in group["params"]:
                weight.grad = None

    def _patch_step_function(self) -> None:
        """Leave `step` as it is: what torch wraps around it, hooks among it, takes longer than a small update."""

    @abstractmethod
    def _update(self, group: dict[str, Any], lists: _Lists) -> None:
        """Update the weights of a group and their running figures."""

    def _state(self, weight: Tensor) -> State:
        state: State = self.state[weight]
        if not state:
            state["step"] = torch.tensor(0.0)
            state |= {name: torch.zeros_like(weight) for name in self.figures}
        return state


class Adam(_OnCPU):
    """What `torch.optim.Adam` computes with its fused kernel, to the last bit, with state of the same names.

    Source: Kingma & Ba 2015, Adam: a method for stochastic optimization (arXiv:1412.6980), algorithm 1.
    """

    figures = ("exp_avg", "exp_avg_sq")
    _kernel = staticmethod(torch._fused_adam_)

    def _update(self, group: dict[str, Any], lists: _Lists) -> None:
        beta1, beta2 = group["betas"]
        weights, gradients, mean, size, steps = lists
        self._kernel(
            weights,
            gradients,
            mean,
            size,
            [],
            steps,
            lr=group["lr"],
            beta1=beta1,
            beta2=beta2,
            weight_decay=group["weight_decay"],
            eps=group["eps"],
            amsgrad=False,
            maximize=False,
        )


class AdamW(Adam):
    """What `torch.optim.AdamW` computes with its fused kernel, to the last bit, with state of the same names.

    Source: Loshchilov & Hutter 2019, Decoupled weight decay regularization (arXiv:1711.05101), algorithm 2.
    """

    _kernel = staticmethod(torch._fused_adamw_)


class Adamax(_OnCPU):
    """Adam with an infinity norm: what `torch.optim.Adamax` computes, to rounding, with state of the same names.

    torch has no fused kernel for it: it goes through the weights one at a time, and makes new tensors on the way. Here
    gradients are worked on in place.

    Source: Kingma & Ba 2015, Adam: a method for stochastic optimization (arXiv:1412.6980), algorithm 2.
    """

    figures = ("exp_avg", "exp_inf")

    def _update(self, group: dict[str, Any], lists: _Lists) -> None:
        weights, gradients, mean, size, steps = lists
        mean_kept, size_kept = group["betas"]
        if group["weight_decay"]:
            torch._foreach_add_(gradients, weights, alpha=group["weight_decay"])
        torch._foreach_lerp_(mean, gradients, 1 - mean_kept)
        torch._foreach_mul_(size, size_kept)
        torch._foreach_abs_(gradients)
        torch._foreach_add_(gradients, group["eps"])
        torch._foreach_maximum_(size, gradients)
        rates = [-group["lr"] / (1 - mean_kept ** step.item()) for step in steps]
        torch._foreach_addcdiv_(weights, mean, size, rates)
