"""The size of the 5 % test for every ratio of the variances, by integration: no simulation, no chance.

Seeds are normal and images many, so that only the estimated variances between runs are random. The test must hold its
level whatever the true ratios are, as nobody knows them.
"""

import numpy as np
from numpy.typing import NDArray
from scipy import special, stats

from bakeoff.evidence.precision import precision

SEEDS = ((2, 2), (3, 3), (5, 5), (10, 10), (2, 3), (2, 5), (2, 10), (3, 5), (3, 10))
IMAGES = (0.0, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0)  # image variance as a share of that which comes from seeds
NODES = 120
Array = NDArray[np.float64]


def calibrated(run: Array, seeds: tuple[int, int], image: float) -> Array:
    """Return the half widths of the product's 95 % intervals."""
    known = precision(run, np.zeros_like(run), seeds, np.full(run.shape[1:], image), 1e9)
    return known.half_width(0.95)


def satterthwaite(run: Array, seeds: tuple[int, int], image: float) -> Array:
    """Return those of the plain Welch-Satterthwaite approximation, which the product does not use."""
    variance = run.sum(axis=0) + image
    df = variance**2 / sum(part**2 / (n - 1) for part, n in zip(run, seeds, strict=True))
    return np.asarray(special.stdtrit(df, 0.975) * np.sqrt(variance))


def pooled(run: Array, seeds: tuple[int, int], image: float) -> Array:
    """Return those of a pooled variance over seeds, with Satterthwaite's degrees of freedom, likewise."""
    (first, second), (n, m) = run, seeds
    shared = ((n - 1) * n * first + (m - 1) * m * second) / (n + m - 2) * (1 / n + 1 / m)
    df = (shared + image) ** 2 / (shared**2 / (n + m - 2))
    return np.asarray(special.stdtrit(df, 0.975) * np.sqrt(shared + image))


METHODS = {"calibrated": calibrated, "Welch-Satterthwaite": satterthwaite, "pooled over models": pooled}


def size(method: str, seeds: tuple[int, int], ratio: float, image: float) -> float:
    """Return how often a test calls a difference between equal models.

    Args:
        method: one of `METHODS`.
        seeds: of both models.
        ratio: standard deviation over seeds of the first model, divided by the second's.
        image: image variance as a share of the variance of the difference that comes from seeds.
    """
    true = np.array([ratio**2 / seeds[0], 1 / seeds[1]])
    true /= true.sum()
    share = (np.arange(NODES) + 0.5) / NODES
    drawn = [part * stats.chi2.ppf(share, n - 1) / (n - 1) for part, n in zip(true, seeds, strict=True)]
    half = METHODS[method](np.stack(np.meshgrid(*drawn, indexing="ij")), seeds, image)
    return float((2 * special.ndtr(-half / np.sqrt(1 + image))).mean())


def integrated() -> list[dict]:
    """Return the smallest and largest size over all image variances, for each method, seeds and ratio."""
    rows = []
    for method in METHODS:
        for seeds in SEEDS:
            for ratio in (1, 2, 3, 10):
                both = {ratio, 1 / ratio} if seeds[0] != seeds[1] else {ratio}
                sizes = [size(method, seeds, one, image) for one in both for image in IMAGES]
                rows.append({"method": method, "seeds": seeds, "ratio": ratio, "least": min(sizes), "most": max(sizes)})
    return rows


def held(seeds: int, image: float) -> float:
    """Return how often the 95 % interval of one model's mean holds it.

    Args:
        seeds: of the model.
        image: image variance as a share of the variance of the mean that comes from seeds.
    """
    share = (np.arange(NODES**2) + 0.5) / NODES**2
    run = stats.chi2.ppf(share, seeds - 1)[None] / (seeds - 1)
    half = precision(run, np.zeros_like(run), [seeds], np.full(run.shape[1:], image), 1e9).half_width(0.95)
    return float(1 - 2 * special.ndtr(-half / np.sqrt(1 + image)).mean())


def integrated_mean() -> list[dict]:
    """Return the smallest and largest share over all image variances, for each number of seeds."""
    rows = []
    for seeds in (2, 3, 5, 10):
        shares = [held(seeds, image) for image in IMAGES]
        rows.append({"seeds": seeds, "least": min(shares), "most": max(shares)})
    return rows
