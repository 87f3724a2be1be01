"""Costs of two models: seconds, bytes and the like, one number per run."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from bakeoff.evidence.precision import precision
from bakeoff.evidence.scores import EvidenceError, FloatArray


@dataclass(frozen=True)
class CostRatio:
    """How many times as much the first model costs as the second.

    Attributes:
        first: one model.
        second: the other.
        ratio: of the geometric means over runs.
        low: lower end of the interval of the ratio; None where there is none.
        high: upper end.
        level: how often such intervals hold the true ratio.
        p_value: of a ratio of 1; None where there is no test, for the `reason`.
        reason: why there is no p-value; empty where there is one.
    """

    first: str
    second: str
    ratio: float
    low: float | None
    high: float | None
    level: float
    p_value: float | None
    reason: str = ""


def compare_costs(first: str, second: str, a: ArrayLike, b: ArrayLike, level: float = 0.95) -> CostRatio:
    """Compare a cost of two models over their runs.

    Welch's t-test of the logarithms, with the degrees of freedom of `precision`: times spread in proportion to their
    size and are skewed, so their logarithms are nearer to normal, and what a person wants to know is a ratio. Runs are
    taken to be independent; other programs on the machine make them less so.

    Args:
        first: the name of the model of `a`.
        second: the name of the model of `b`.
        a: positive costs of the runs of one model.
        b: of the other.
        level: of the interval.

    Raises:
        EvidenceError: a cost that is not a positive number.
    """
    logs = [_logs(first, a), _logs(second, b)]
    difference = float(logs[0].mean() - logs[1].mean())
    ratio = float(np.exp(difference))
    single = [name for name, log in zip((first, second), logs, strict=True) if len(log) == 1]
    if all(np.ptp(log) == 0 for log in logs) and not single:
        reason = "the cost is the same in every run, so the ratio is exact"
        return CostRatio(first, second, ratio, ratio, ratio, level, None, reason)
    if single:
        reason = f"{' and '.join(single)} ran once, and one run does not tell how much its cost varies"
        return CostRatio(first, second, ratio, None, None, level, None, reason)
    run = [log.var(ddof=1) / len(log) for log in logs]
    known = precision(run, np.zeros(2), [len(log) for log in logs])
    half = float(known.half_width(level))
    low, high = float(np.exp(difference - half)), float(np.exp(difference + half))
    return CostRatio(first, second, ratio, low, high, level, float(known.p_value(difference)))


def _logs(name: str, costs: ArrayLike) -> FloatArray:
    values = np.asarray(costs, np.float64).ravel()
    if not len(values) or not (np.isfinite(values) & (values > 0)).all():
        raise EvidenceError(f"{name}: costs are positive numbers, one for each run; got {values.tolist()}")
    return np.log(values)
