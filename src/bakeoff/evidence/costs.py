"""Costs of two models: seconds, bytes and the like, one number per run."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bakeoff.evidence.holm import holm
from bakeoff.evidence.precision import Precision
from bakeoff.evidence.scores import EvidenceError, FloatArray

UPPER = 0.2  # a variance exceeds its limit with this probability, at most


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
        adjusted: the p-value after Holm's correction over the ratios that are read together; None before it.
    """

    first: str
    second: str
    ratio: float
    low: float | None
    high: float | None
    level: float
    p_value: float | None
    reason: str = ""
    adjusted: float | None = None

    @property
    def different(self) -> bool:
        """Whether the p-value, adjusted where it is, calls a difference, or an exact ratio is not 1."""
        p = self.p_value if self.adjusted is None else self.adjusted
        if p is None:
            return self.low is not None and self.ratio != 1
        return p <= 1 - self.level + 1e-12


def compare_costs(first: str, second: str, a: ArrayLike, b: ArrayLike, level: float = 0.95) -> CostRatio:
    """Compare a cost of two models over their runs.

    Welch's t-test of the logarithms: times spread in proportion to their size and are skewed, so their logarithms are
    nearer to normal, and what a person wants to know is a ratio. No two models are taken to vary alike, and a cost that
    is the same in every run adds no variance. Runs are taken to be independent; other programs on the machine make them
    less so. The ratio is of geometric means: of medians, where costs are lognormal.

    Args:
        first: the name of the model of `a`.
        second: the name of the model of `b`.
        a: positive costs of the runs of one model.
        b: of the other.
        level: of the interval.

    Raises:
        EvidenceError: a cost that is not a positive number.
    """
    costs = [_checked(first, a), _checked(second, b)]
    single = [name for name, values in zip((first, second), costs, strict=True) if len(values) == 1]
    if all(np.ptp(values) == 0 for values in costs) and not single:
        ratio = float(costs[0][0] / costs[1][0])
        reason = "the cost is the same in every run, so the ratio is exact"
        return CostRatio(first, second, ratio, ratio, ratio, level, None, reason)
    logs = [np.log(values) for values in costs]
    difference = float(logs[0].mean() - logs[1].mean())
    ratio = float(np.exp(difference))
    if single:
        reason = f"{' and '.join(single)} ran once, and one run does not tell how much its cost varies"
        return CostRatio(first, second, ratio, None, None, level, None, reason)
    known = welch([log.var(ddof=1) / len(log) for log in logs], [len(log) for log in logs])
    half = float(known.half_width(level))
    low, high = float(np.exp(difference - half)), float(np.exp(difference + half))
    return CostRatio(first, second, ratio, low, high, level, float(known.p_value(difference)))


def welch(run: ArrayLike, runs: ArrayLike) -> Precision:
    """Return the precision of the difference of two means of which nothing but their runs is random.

    Welch's (1947) test with Satterthwaite's (1946) degrees of freedom. They are computed at upper limits of the two
    variances, each by the chi-square distribution of its own runs. For equal numbers of runs the limits cancel. For
    others they keep the fewer runs from passing for the more: as it is, Welch's test calls a difference in up to 12 %
    between 2 and 10 runs (`docs/evidence.md`).

    Args:
        run: the variance between each model's runs, divided by their number, shape (2, ...); not both 0.
        runs: the numbers of runs, shape (2,), each at least 2.
    """
    given = np.asarray(run, np.float64)
    freedom = np.asarray(runs, np.float64).reshape(2, *[1] * (given.ndim - 1)) - 1
    likely = given * freedom / special.chdtri(freedom, 1 - UPPER)
    df = likely.sum(axis=0) ** 2 / (likely**2 / freedom).sum(axis=0)
    return Precision(np.asarray(given.sum(axis=0)), np.asarray(df))


def corrected(ratios: Iterable[CostRatio]) -> list[CostRatio]:
    """Return ratios with p-values that are corrected by Holm's method over all of them that have one."""
    found = list(ratios)
    values = iter(holm([ratio.p_value for ratio in found if ratio.p_value is not None]))
    return [ratio if ratio.p_value is None else replace(ratio, adjusted=next(values)) for ratio in found]


def _checked(name: str, costs: ArrayLike) -> FloatArray:
    values = np.asarray(costs, np.float64).ravel()
    if not len(values) or not (np.isfinite(values) & (values > 0)).all():
        raise EvidenceError(f"{name}: costs are positive numbers, one for each run; got {values.tolist()}")
    return values
