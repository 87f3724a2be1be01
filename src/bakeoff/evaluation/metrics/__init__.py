"""Metrics: pure functions of logits and labels, one file each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.registry import Registry

MetricFunction = Callable[[NDArray[np.float32], NDArray[np.int64]], float]


@dataclass(frozen=True)
class Metric:
    """A figure of merit. `function` takes logits (N, K) and labels (N,) and returns nan where it is not defined."""

    function: MetricFunction
    better: Literal["higher", "lower"]

    @property
    def summary(self) -> str:
        """The first line of the function's docstring."""
        return (self.function.__doc__ or "").partition("\n")[0]


metrics: Registry[Metric] = Registry("metric", __name__)


def metric(name: str, *, better: Literal["higher", "lower"]) -> Callable[[MetricFunction], MetricFunction]:
    """Return a decorator that registers a function as a metric."""

    def add(function: MetricFunction) -> MetricFunction:
        metrics.register(name)(Metric(function, better))
        return function

    return add


def compute(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> dict[str, float]:
    """Return every registered metric."""
    return {name: float(metrics.get(name).function(logits, labels)) for name in metrics}
