"""The learning rate range test (Smith 2017, arXiv:1506.01186): which rates train, told from a few hundred steps."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.pipeline import Batches, endless
from bakeoff.training.step import Step

SMOOTHING = 0.95  # of the running mean of the loss
HOPELESS = 4.0  # the test ends where the loss is so many times the best one


@dataclass(frozen=True)
class LRCurve:
    """Losses at rising learning rates.

    Attributes:
        rates: the learning rate of each step, shape (N,).
        losses: running means of the training loss, without the bias of their start, shape (N,).
        suggestion: the rate at which the loss falls fastest.
    """

    rates: NDArray[np.float64]
    losses: NDArray[np.float64]
    suggestion: float


def find_lr(step: Step, batches: Batches, lowest: float = 1e-6, highest: float = 1.0, steps: int = 200) -> LRCurve:
    """Train with a rate that rises exponentially. The model that is trained is of no use afterwards.

    Args:
        step: of a freshly built model.
        batches: to train on; gone through as often as needed.
        lowest: rate of the first step.
        highest: rate of the last step, if the loss has not grown hopelessly before.
        steps: how many rates to try.
    """
    rates: list[float] = []
    losses: list[float] = []
    mean = 0.0
    for index, batch in zip(range(steps), endless(batches), strict=False):
        rate = lowest * (highest / lowest) ** (index / (steps - 1))
        loss = step(batch, rate)[0].item()
        mean = SMOOTHING * mean + (1 - SMOOTHING) * loss
        smooth = mean / (1 - SMOOTHING ** (index + 1))
        if not math.isfinite(smooth) or (losses and smooth > HOPELESS * min(losses)):
            break
        rates.append(rate)
        losses.append(smooth)
    return LRCurve(np.array(rates), np.array(losses), _steepest(rates, losses))


def _steepest(rates: list[float], losses: list[float]) -> float:
    if len(rates) < 10:
        return rates[0] if rates else float("nan")
    # The first rates are too small to show anything but the noise of the running mean's start.
    slopes = np.gradient(np.array(losses), np.log(rates))[5:]
    return rates[5 + int(slopes.argmin())]
