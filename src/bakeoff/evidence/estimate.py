"""The mean of one model and its interval, over training seeds and test images together."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from bakeoff.evidence.components import Components
from bakeoff.evidence.precision import Precision, precision

Scope = Literal["procedure", "this trained network"]


@dataclass(frozen=True)
class Estimate:
    """What is known of one model.

    Attributes:
        name: the model.
        mean: mean score over its runs and the test images.
        low: lower end of the interval.
        high: upper end.
        level: how often such intervals hold the true mean: .95.
        scope: whose true mean that is. "procedure": of training with a new seed and judging on new images of the
            same kind. "this trained network": one run tells nothing of other seeds, so only the images are new.
        seeds: number of runs.
        standard_error: of the mean, over what the scope says.
        df: degrees of freedom of the standard error.
        run_sd: standard deviation between runs on these images, or between folds; None for one run.
        seed_sd: standard deviation between runs on all images that there could be, 0 where its estimated variance
            is below 0; None for one run, and for folds.
    """

    name: str
    mean: float
    low: float
    high: float
    level: float
    scope: Scope
    seeds: int
    standard_error: float
    df: float
    run_sd: float | None
    seed_sd: float | None


def estimate(name: str, parts: Components, level: float = 0.95) -> Estimate:
    """Return the estimate of one model; see `docs/evidence.md` for the method and how it was checked."""
    one = parts.seeds == 1
    known = _of_network(parts) if one else _of_procedure(parts)
    if parts.binary:
        low, high = wilson(parts.mean, parts.size, known, level)
    else:
        half = float(known.half_width(level))
        low, high = parts.mean - half, parts.mean + half
    return Estimate(
        name,
        parts.mean,
        low,
        high,
        level,
        "this trained network" if one else "procedure",
        parts.seeds,
        float(np.sqrt(known.variance)),
        float(known.df),
        None if one else float(np.sqrt(parts.run_variance)),
        None if one else float(np.sqrt(max(parts.seed_variance, 0))),
    )


def _of_procedure(parts: Components) -> Precision:
    return precision(
        [parts.run_variance / parts.seeds],
        [parts.residual / (parts.seeds * parts.size)],
        [parts.seeds],
        max(parts.image_variance, 0) / parts.size,
        parts.size,
    )


def _of_network(parts: Components) -> Precision:
    if parts.binary:  # the variance of a share is known from the share
        return Precision(np.asarray(parts.mean * (1 - parts.mean) / parts.size), np.asarray(np.inf))
    return Precision(np.asarray(parts.images.var(ddof=1) / parts.size), np.asarray(parts.size - 1.0))


def wilson(share: float, size: int, known: Precision, level: float) -> tuple[float, float]:
    """Return Wilson's (1927) score interval for a share of images, with the number of independent ones it is worth.

    That number is share x (1 - share) / variance, as for surveys (Kish 1965; Franco et al. 2019), with Student's
    quantile; for one run it is the number of images, and the interval is Wilson's own. It stays within 0 and 1, and
    says something of a share of 0 or 1: there it is worth the number of images.
    """
    variance = float(known.variance)
    worth = share * (1 - share) / variance if variance > 0 else float(size)
    quantile = float(special.ndtri((1 + level) / 2) if variance == 0 else special.stdtrit(known.df, (1 + level) / 2))
    ratio = quantile**2 / worth
    middle = (share + ratio / 2) / (1 + ratio)
    half = np.sqrt(ratio * (share * (1 - share) + ratio / 4)) / (1 + ratio)
    return max(0.0, min(share, float(middle - half))), min(1.0, max(share, float(middle + half)))
