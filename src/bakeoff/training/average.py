"""Averages of the weights of a training."""

import copy

import torch
from torch import nn


class WeightAverage:
    """An exponential moving average of the weights (Polyak averaging), which is what is evaluated.

    Attributes:
        model: a copy of the model whose floating-point weights follow the model's; other buffers are copied.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self._decay = decay
        ours, theirs = self.model.state_dict(), model.state_dict(keep_vars=True)
        self._pairs = [(ours[name], theirs[name].detach()) for name in ours]

    def update(self, step: int) -> None:
        """Move towards the model after a step, counted from 1; early steps count more, so that no bias remains."""
        self.follow(min(self._decay, step / (step + 10)))

    @torch.no_grad()
    def follow(self, decay: float) -> None:
        """Move towards the model, and keep so large a share of what was."""
        floats = [(ours, theirs) for ours, theirs in self._pairs if ours.is_floating_point()]
        torch._foreach_lerp_([ours for ours, _ in floats], [theirs for _, theirs in floats], 1 - decay)
        for ours, theirs in self._pairs:
            if not ours.is_floating_point():
                ours.copy_(theirs)

    @torch.no_grad()
    def give(self) -> None:
        """Set the model to the average."""
        for ours, theirs in self._pairs:
            theirs.copy_(ours)


class Lookahead:
    """Slow weights that follow the model's every few steps, and to which the model is then set back.

    How much of the slow weights is kept rises with the cube of the share of training that is done, from 0 to .95^5.

    Attributes:
        model: has the slow weights, which are evaluated.

    Source: Zhang et al. 2019, Lookahead optimizer: k steps forward, 1 step back (arXiv:1907.08610), with the schedule
    of Jordan 2024 (arXiv:2404.00498), section 3.4.
    """

    EVERY = 5
    KEPT = 0.95**5

    def __init__(self, model: nn.Module, total_steps: int) -> None:
        self._slow = WeightAverage(model, 0.0)
        self._total_steps = total_steps
        self.model = self._slow.model

    def update(self, step: int) -> None:
        """Take note of a step, counted from 1."""
        if step % self.EVERY == 0:
            self._slow.follow(self.KEPT * (step / self._total_steps) ** 3)
            self._slow.give()
