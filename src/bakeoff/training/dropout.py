"""Dropout that draws few random bits for an element, which is what torch's takes its time for on a CPU."""

from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.training.layout import layout

# An operation of its own because recorded passes are written down as Python, in which `random_.from` is no name.
torch.library.define("bakeoff::random_words", "(int count) -> Tensor")


@torch.library.impl("bakeoff::random_words", "CompositeExplicitAutograd")
def _random_words(count: int) -> Tensor:
    return torch.empty(count, dtype=torch.int64).random_(-(2**63), None)


class LeanDropout(nn.Dropout):
    """Dropout with a probability in steps of 2^-16, from 8 bits where they will do. On other devices, torch's own."""

    def forward(self, x: Tensor) -> Tensor:
        """Drop elements while training, and scale the others up."""
        if not self.training or x.device.type != "cpu" or not x.is_contiguous(memory_format=layout(x)):
            return super().forward(x)
        dropped: Tensor = _Drop.apply(x, self.p)
        return dropped


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
