"""The difference between two models on the same images, with its interval and p-value."""

from dataclasses import dataclass
from functools import partial
from typing import Literal

import numpy as np

from bakeoff.evidence.components import Components
from bakeoff.evidence.mcnemar import mcnemar, score_interval
from bakeoff.evidence.precision import Precision, precision

Scope = Literal["procedures", "these trained networks", "undecided"]

EXACT = "McNemar's exact test, Tango's score interval"


@dataclass(frozen=True)
class Comparison:
    """What is known of the difference between two models.

    Attributes:
        first: one model.
        second: the other.
        difference: mean score of the first minus that of the second.
        superiority: share of the pairs of runs, one of each model, in which the first scores higher on these images,
            ties counted as half; the effect size that Bouthillier et al. (2021) ask for.
        level: how often such intervals hold the true difference.
        low: lower end of the interval of the difference; None where there is none.
        high: upper end.
        p_value: of no difference; None where there is no test, for the `reason`.
        scope: what is compared. "procedures": training with a new seed and judging on new images of the same kind.
            "these trained networks": the two networks at hand on new images. "undecided": there is no test.
        method: the test and the interval, in words.
        standard_error: of the difference; None where the test is exact or there is none.
        df: degrees of freedom of the standard error; None likewise.
        reason: why there is no p-value; empty where there is one.
        adjusted: the p-value after Holm's correction over all comparisons of a verdict; None before it.
    """

    first: str
    second: str
    difference: float
    superiority: float
    level: float
    low: float | None
    high: float | None
    p_value: float | None
    scope: Scope
    method: str
    standard_error: float | None = None
    df: float | None = None
    reason: str = ""
    adjusted: float | None = None

    @property
    def different(self) -> bool:
        """Whether the p-value, adjusted where it is, calls a difference at this level; never without a test."""
        p = self.p_value if self.adjusted is None else self.adjusted
        return p is not None and p <= 1 - self.level + 1e-12


def compare(first: str, second: str, a: Components, b: Components, level: float = 0.95) -> Comparison:
    """Compare two models that were judged on the same images, in the same order.

    Two runs or more of both compare the procedures. One run of each compares the two networks. One run of one only
    compares nothing: how far another seed would have taken that model is not known.

    Args:
        first: the name of the model of `a`.
        second: the name of the model of `b`.
        a: components of the scores of one model.
        b: of the other.
        level: of the interval, and 1 - alpha of the test.
    """
    wins = np.sign(a.runs[:, None] - b.runs[None, :]).mean()
    difference = _difference(a, b)
    known = partial(Comparison, first, second, difference, float(wins + 1) / 2, level)
    if (a.seeds == 1) != (b.seeds == 1):
        single = first if a.seeds == 1 else second
        reason = f"{single} ran once, and one run does not tell how far its score would move with another seed"
        return known(None, None, None, "undecided", "none", reason=reason)
    scope: Scope = "procedures" if a.seeds > 1 else "these trained networks"
    if a.binary and b.binary and a.settled and b.settled:
        low, high, p = _exactly(a, b, level)
        return known(low, high, p, scope, EXACT)
    of = _of_procedures(a, b) if a.seeds > 1 else _of_networks(a, b)
    low, high, p = _by_t(difference, of, level, shares=a.binary and b.binary)
    method = "crossed seeds and images, Student's t" if a.seeds > 1 else "paired over images, Student's t"
    return known(low, high, p, scope, method, float(np.sqrt(of.variance)), float(of.df))


def _difference(a: Components, b: Components) -> float:
    """Return the difference of the means; 0 where it is but the rounding of means over different numbers of runs."""
    difference = a.mean - b.mean
    return 0.0 if abs(difference) < 1e-12 * max(1.0, abs(a.mean)) else difference


def _of_procedures(a: Components, b: Components) -> Precision:
    """Return the precision of a difference, as seeds and images vary.

    The variance of the images' differences, var(a[i] - b[i]) / N, holds each model's residual once, and so does the
    variance between its runs: it is taken out of the first, so that it counts once. A model whose every run answers
    alike has no variance between runs, and none to guess at: the degrees of freedom are those of the other alone.
    """
    images = _of_networks(a, b)
    moved = [parts for parts in (a, b) if not parts.settled]
    if not moved:
        return images
    least = [parts.residual / (parts.seeds * parts.size) for parts in moved]
    run = [parts.run_variance / parts.seeds for parts in moved]
    image = np.maximum(images.variance - sum(least), 0)
    return precision(run, least, [parts.seeds for parts in moved], image, a.size)


def _of_networks(a: Components, b: Components) -> Precision:
    """Return the precision of a difference, as images vary."""
    return Precision(np.asarray((a.images - b.images).var(ddof=1) / a.size), np.asarray(a.size - 1.0))


def _by_t(difference: float, of: Precision, level: float, *, shares: bool) -> tuple[float, float, float]:
    """Return the interval and the p-value of Student's t; the interval of a difference of shares ends at 1."""
    half = float(of.half_width(level))
    low, high = difference - half, difference + half
    if shares:
        low, high = max(low, -1.0), min(high, 1.0)
    return low, high, float(of.p_value(difference))


def _exactly(a: Components, b: Components, level: float) -> tuple[float, float, float]:
    """Return the interval and the p-value of two networks, or of two procedures whose runs all answer alike."""
    only_first, only_second = int((a.images > b.images).sum()), int((a.images < b.images).sum())
    return (*score_interval(only_first, only_second, a.size, level), mcnemar(only_first, only_second))
