"""Simulated test results: networks that are right or wrong on images, with known accuracy and known variances.

The latent model: a run is right on an image when level + difficulty + seed + chance > 0, all but the level normal.
`difficulty` is shared by all runs of a model and in part by all models; `seed` shifts a whole run; `chance` is drawn
for every run and image. So accuracies, their spread over seeds and how far models agree are what a setting says.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.polynomial.hermite_e import hermegauss
from numpy.typing import NDArray
from scipy import special

from bakeoff.evidence.power import Spread

DIFFICULTY = 2.0  # standard deviation, in units of `chance`; see `docs/evidence.md` for how real networks compare
NODES, WEIGHTS = hermegauss(61)
EQUAL = ((2, 2), (3, 3), (5, 5), (10, 10))
UNEQUAL = ((2, 3), (2, 5), (3, 5), (3, 10))
Scores = NDArray[np.float64]


@dataclass(frozen=True)
class Setting:
    """Two models on one test set.

    Attributes:
        kind: what it is an example of.
        images: number of test images.
        accuracy: of the first model, over all seeds and images that there could be.
        seed_sd: of the two models' accuracies over seeds, on all images that there could be.
        gap: by how much the second is less accurate.
        alike: correlation of what is difficult for the one and for the other; 1 for two copies of one recipe.
        seeds: the numbers of runs to judge by.
    """

    kind: str
    images: int
    accuracy: float
    seed_sd: tuple[float, float]
    gap: float = 0.0
    alike: float = 0.8
    seeds: tuple[tuple[int, int], ...] = EQUAL

    def draw(self, rng: np.random.Generator) -> tuple[Scores, Scores]:
        """Return the scores of both models on new images, of as many runs as the most seeds ask for."""
        runs = max(max(pair) for pair in self.seeds)
        found = []
        for sd, difficulty, accuracy in zip(self.seed_sd, self._difficulties(rng), self._accuracies(), strict=True):
            level, shift = latent(accuracy, sd)
            seed = (level + shift * rng.standard_normal((runs, 1))).astype(np.float32)
            chance = rng.standard_normal((runs, self.images), dtype=np.float32)
            found.append((chance + seed + difficulty > 0).astype(np.float64))
        return found[0], found[1]

    def spread(self) -> Spread:
        """Return the variances for a power calculation, of the first model's spread over seeds."""
        many, rng = replace(self, images=1_000_000), np.random.default_rng(0)
        right = [
            special.ndtr(latent(accuracy, sd)[0] + difficulty)
            for sd, difficulty, accuracy in zip(self.seed_sd, many._difficulties(rng), self._accuracies(), strict=True)
        ]
        residual = float(np.mean(right[0] * (1 - right[0])))
        return Spread(self.seed_sd[0], round(residual, 3), round(float((right[0] - right[1]).var()), 3))

    def _accuracies(self) -> tuple[float, float]:
        return self.accuracy, self.accuracy - self.gap

    def _difficulties(self, rng: np.random.Generator) -> list[NDArray[np.float32]]:
        shared, *own = (rng.standard_normal(self.images, dtype=np.float32) for _ in range(3))
        both, alone = np.float32(np.sqrt(self.alike)), np.float32(np.sqrt(1 - self.alike))
        return [np.float32(DIFFICULTY) * (both * shared + alone * mine) for mine in own]


def settings() -> Iterator[Setting]:
    """Yield what is simulated."""
    point = 0.01
    plain = [(0.7, 0.3), (0.7, 1.0), (0.9, 0.1), (0.9, 0.3), (0.9, 1.0), (0.99, 0.1), (0.99, 0.3)]
    for images in (1_000, 10_000):
        for accuracy, points in plain:
            both = (points * point, points * point)
            yield Setting("two copies of one recipe", images, accuracy, both, alike=1.0)
            yield Setting("two recipes of one accuracy", images, accuracy, both)
            yield Setting("two recipes a point apart", images, accuracy, both, gap=point)
        for first, second in ((0.3, 0.6), (0.3, 1.0)):
            both = (first * point, second * point)
            yield Setting("unequal spread over seeds", images, 0.9, both)
            yield Setting("unequal spread and seeds", images, 0.9, both, seeds=UNEQUAL)
            yield Setting("unequal spread and seeds", images, 0.9, both[::-1], seeds=UNEQUAL)


@cache
def latent(accuracy: float, seed_sd: float) -> tuple[float, float]:
    """Return the latent level and spread over seeds that give an accuracy and its standard deviation over seeds."""
    unit = np.sqrt(1 + DIFFICULTY**2)
    shift = seed_sd * unit * np.sqrt(2 * np.pi)
    for _ in range(200):
        level = special.ndtri(accuracy) * np.sqrt(unit**2 + shift**2)
        accuracies = special.ndtr((level + shift * NODES) / unit)
        mean = np.average(accuracies, weights=WEIGHTS)
        shift *= seed_sd / np.sqrt(np.average((accuracies - mean) ** 2, weights=WEIGHTS))
    return float(level), float(shift)
