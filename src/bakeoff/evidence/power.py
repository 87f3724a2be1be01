"""How many seeds a difference needs, and which difference so many seeds can find."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from scipy import optimize, special

from bakeoff.evidence.components import Components
from bakeoff.evidence.precision import precision
from bakeoff.evidence.scores import EvidenceError, FloatArray

NODES = 80  # of the quadrature over each estimated run variance


@dataclass(frozen=True)
class Spread:
    """The variances that decide how well two models can be told apart, in the units of the score and its square.

    Attributes:
        seed: standard deviation between runs of one model on all images that there could be.
        residual: variance of one run on one image about what the model's runs have on average there.
        image: variance over images of the difference between what the two models have on average there.
    """

    seed: float
    residual: float
    image: float

    @classmethod
    def of(cls, a: Components, b: Components) -> "Spread":
        """Return the spread of two models that ran at least twice each; the seed's and the residual are the means."""
        if min(a.seeds, b.seeds) < 2:
            raise EvidenceError("the spread over seeds is known only from models that ran at least twice")
        seed = max(0.0, (a.seed_variance + b.seed_variance) / 2)
        least = a.residual / a.seeds + b.residual / b.seeds
        image = float((a.images - b.images).var(ddof=1)) - least
        return cls(float(np.sqrt(seed)), (a.residual + b.residual) / 2, max(0.0, image))

    @classmethod
    def typical(cls, models: Sequence[Components]) -> "Spread":
        """Return the spread of a typical pair of these models: mean variances over all pairs that ran twice or more."""
        repeated = [parts for parts in models if parts.seeds > 1]
        if len(repeated) < 2:
            raise EvidenceError("a typical spread needs two models that ran at least twice each")
        pairs = [cls.of(a, b) for a, b in combinations(repeated, 2)]
        seed, residual, image = np.mean([(pair.seed**2, pair.residual, pair.image) for pair in pairs], axis=0)
        return cls(float(np.sqrt(seed)), float(residual), float(image))


CIFAR10 = Spread(seed=0.0089, residual=0.099, image=0.013)
"""Measured: lenet5 (36.3 %) and simcnn (33.0 %) on CIFAR-10, 40 seeds each (`benchmarks/evidence_runs.py`).

They saw 5,000 images three times and 3,000 images twice. Networks that are trained for longer spread less over seeds,
so that the default errs towards more of them. But so little trained, both find the same images hard: others differ more
in `image`, which matters where test images are few.
"""


def power(difference: float, seeds: int, spread: Spread, images: int, alpha: float = 0.05) -> float:
    """Return the probability that a true difference is called, with the test of `compare`.

    The mean of the test's decision over the distribution of the two estimated run variances; both models get as many
    seeds. For the first of m comparisons under Holm's correction, give alpha / m.

    Args:
        difference: between the models' true mean scores.
        seeds: runs of each model, at least 2.
        spread: the variances.
        images: in the test set.
        alpha: of the test.
    """
    return float(
        _called(difference, _variance(seeds, spread, images), _half_widths(seeds, spread, images, alpha)).mean()
    )


def _variance(seeds: int, spread: Spread, images: int) -> float:
    """Return the variance of the estimated difference."""
    return 2 * spread.seed**2 / seeds + 2 * spread.residual / (seeds * images) + spread.image / images


def _half_widths(seeds: int, spread: Spread, images: int, alpha: float) -> FloatArray:
    """Return how far from 0 an estimate is called, for equally likely pairs of estimated run variances."""
    least = spread.residual / (seeds * images)
    true = spread.seed**2 / seeds + least
    share = (np.arange(NODES) + 0.5) / NODES
    drawn = true * special.chdtri(seeds - 1, 1 - share) / (seeds - 1)
    run = np.stack(np.meshgrid(drawn, drawn))
    image = np.full(run.shape[1:], spread.image / images)
    known = precision(run, np.full_like(run, least), [seeds, seeds], image, images)
    return known.half_width(1 - alpha)


def _called(difference: float, variance: float, half_width: FloatArray) -> FloatArray:
    """Return how often an estimate with that mean and variance lies further from 0 than the half width."""
    error = np.sqrt(variance)
    if error == 0:
        return np.asarray(np.abs(difference) > half_width, np.float64)
    return np.asarray(
        special.ndtr((difference - half_width) / error) + special.ndtr((-difference - half_width) / error)
    )


def seeds_needed(
    difference: float,
    spread: Spread,
    images: int,
    *,
    alpha: float = 0.05,
    wanted: float = 0.8,
    most: int = 100,
) -> int | None:
    """Return the fewest seeds of each model that find a difference with the wanted power.

    None means that `most` seeds do not: where the image variance is large, no number of seeds does, and only a larger
    test set helps.
    """
    if power(difference, most, spread, images, alpha) < wanted:
        return None
    low, high = 1, most  # `low` does not suffice, `high` does
    while high - low > 1:
        middle = (low + high) // 2
        enough = power(difference, middle, spread, images, alpha) >= wanted
        low, high = (low, middle) if enough else (middle, high)
    return high


def detectable(seeds: int, spread: Spread, images: int, *, alpha: float = 0.05, wanted: float = 0.8) -> float:
    """Return the smallest true difference that so many seeds of each model find with the wanted power."""
    variance = _variance(seeds, spread, images)
    if variance == 0:
        return 0.0
    error, half_widths = float(np.sqrt(variance)), _half_widths(seeds, spread, images, alpha)

    def missing(difference: float) -> float:
        return float(_called(difference, variance, half_widths).mean()) - wanted

    far = error
    while missing(far) < 0:
        far *= 2
    return float(optimize.brentq(missing, 0.0, far, xtol=1e-6 * error))
