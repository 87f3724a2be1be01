"""How well a mean over few seeds and many images is known: its variance, and the degrees of freedom of that.

The variance is a sum of parts of which some rest on two or three seeds. Satterthwaite's (1946) approximation treats
such a sum as one variance with degrees of freedom of its own. With few seeds it fails in both directions: with two
seeds and a share of image variance a 5 % test rejects in up to 13 % of cases, because a seed variance that is small
by luck also raises the degrees of freedom; between two models of two seeds each it rejects in 2 %. Two corrections,
their constants found by integrating over all ratios of the variances (see `docs/evidence.md`), mend this:

- The degrees of freedom are computed at an upper confidence limit of the seed variance, not at its estimate.
- With the same few seeds for both models, their shares are drawn a little towards those of equal variances.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bakeoff.evidence.scores import FloatArray

UPPER = 0.3  # the seed variance exceeds its limit with this probability, at most
LUCK = 0.025  # runs that agree better than images allow in this share of cases are taken to agree by luck


@dataclass(frozen=True)
class Precision:
    """Variance of an estimate and degrees of freedom of that variance; floats, or arrays of one shape."""

    variance: FloatArray
    df: FloatArray

    def half_width(self, level: float) -> FloatArray:
        """Return half the width of the interval of Student's t."""
        quantile = special.stdtrit(self.df, (1 + level) / 2)
        return np.asarray(quantile * np.sqrt(self.variance))

    def p_value(self, difference: ArrayLike) -> FloatArray:
        """Return the two-sided p-value of a difference from zero; 1 for a difference of 0."""
        size = np.abs(np.asarray(difference, np.float64))
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.where(size == 0, 0.0, size / np.sqrt(self.variance))
        return np.asarray(2 * special.stdtr(self.df, -statistic))


def precision(
    run: ArrayLike,
    least: ArrayLike,
    seeds: ArrayLike,
    image: ArrayLike = 0.0,
    size: float = np.inf,
) -> Precision:
    """Return the precision of a sum or difference of means of k models.

    Args:
        run: for each model the variance between its runs divided by its seeds, shape (k, ...).
        least: what of it the images alone bring about: residual variance / (images x seeds), shape (k, ...).
        seeds: the numbers of seeds, shape (k,), each at least 2.
        image: variance that comes from the choice of images, residual taken out, shape (...).
        size: the number of images.
    """
    run, least, image = (np.asarray(given, np.float64) for given in (run, least, image))
    seeds = np.asarray(seeds, np.float64).reshape(-1, *[1] * (run.ndim - 1))
    df = _seed_df(run, seeds)
    seed = np.maximum(run.sum(axis=0), least.sum(axis=0) * special.chdtri(df, 1 - LUCK) / df)
    likely = _limit_factor(df) * seed
    with np.errstate(divide="ignore", invalid="ignore"):
        total = (likely + image) ** 2 / (likely**2 / df + image**2 / (size - 1))
    return Precision(np.asarray(seed + image), np.asarray(np.where(likely + image > 0, total, df)))


def _seed_df(run: FloatArray, seeds: FloatArray) -> FloatArray:
    """Return the degrees of freedom of the sum of the models' run variances."""
    freedom = seeds - 1
    limit = _limit_factor(freedom) * run
    alike = (1 / seeds) / (1 / seeds).sum(axis=0)  # the shares, were all run variances equal
    total = limit.sum(axis=0)
    shares = np.where(total > 0, limit / np.where(total > 0, total, 1), alike)
    weight = 1 / freedom.max(axis=0)
    drawn = (shares + weight * alike) / (1 + weight)
    return np.asarray(1 / (drawn**2 / freedom).sum(axis=0))


def _limit_factor(df: FloatArray) -> FloatArray:
    """Return by what an estimated variance is multiplied for its upper confidence limit."""
    return np.asarray(df / special.chdtri(df, 1 - UPPER))
