"""An exponential moving average of the weights (Polyak averaging), which is what is evaluated."""

import copy

import torch
from torch import nn


class WeightAverage:
    """A copy of a model whose floating-point weights follow the model's; other buffers are copied."""

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.model = copy.deepcopy(model).requires_grad_(False)
        self._decay = decay
        ours, theirs = self.model.state_dict(), model.state_dict(keep_vars=True)
        self._pairs = [(ours[name], theirs[name].detach()) for name in ours]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Move towards the model after a step, counted from 1; early steps count more, so that no bias remains."""
        decay = min(self._decay, step / (step + 10))
        floats = [(ours, theirs) for ours, theirs in self._pairs if ours.is_floating_point()]
        torch._foreach_lerp_([ours for ours, _ in floats], [theirs for _, theirs in floats], 1 - decay)
        for ours, theirs in self._pairs:
            if not ours.is_floating_point():
                ours.copy_(theirs)
