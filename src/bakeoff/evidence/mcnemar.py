"""Two trained networks on the same images: only images on which one is right and the other wrong tell them apart."""

import numpy as np
from scipy import optimize, special, stats


def mcnemar(only_first: int, only_second: int) -> float:
    """Return the two-sided p-value of McNemar's exact test; 1 where the networks never differ.

    The null hypothesis is that these two networks are right equally often on images of this kind. It says nothing of
    networks trained with other seeds.

    Args:
        only_first: images that only the first network has right.
        only_second: images that only the second has right.

    Source: McNemar (1947), Psychometrika 12; Dietterich (1998), Neural Computation 10.
    """
    differ = only_first + only_second
    return float(stats.binomtest(only_first, differ, 0.5).pvalue) if differ else 1.0


def score_interval(only_first: int, only_second: int, size: int, level: float = 0.95) -> tuple[float, float]:
    """Return Tango's score interval for the difference between the networks' shares of right images.

    It holds the differences that a score test does not reject, keeps its level with few or no discordant images, and
    is the one that Fagerland, Lydersen and Laake (2014), Statistics in Medicine 33, recommend.

    Args:
        only_first: images that only the first network has right.
        only_second: images that only the second has right.
        size: all images.
        level: how often such intervals hold the true difference.

    Source: Tango (1998), Statistics in Medicine 17.
    """
    observed = (only_first - only_second) / size
    quantile = float(special.ndtri((1 + level) / 2))

    def excess(difference: float) -> float:
        return abs(_score(difference, only_first, only_second, size)) - quantile

    low = -1.0 if excess(-1 + 1e-12) <= 0 else optimize.brentq(excess, -1 + 1e-12, observed)
    high = 1.0 if excess(1 - 1e-12) <= 0 else optimize.brentq(excess, observed, 1 - 1e-12)
    return float(low), float(high)


def _score(difference: float, only_first: int, only_second: int, size: int) -> float:
    """Return the score statistic of a difference: standard normal where it is the true one."""
    linear = (2 * size - only_first + only_second) * difference - only_first - only_second
    constant = -only_second * difference * (1 - difference)
    second = (np.sqrt(linear**2 - 8 * size * constant) - linear) / (4 * size)  # likeliest share of `only_second`
    variance = size * (2 * second + difference * (1 - difference))
    gap = only_first - only_second - size * difference
    return float(gap / np.sqrt(variance)) if variance > 0 else float(np.copysign(np.inf, gap) if gap else 0.0)
