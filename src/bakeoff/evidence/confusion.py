"""Where models err: the classes they confuse, and the images on which they disagree."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bakeoff.evidence.scores import checked


@dataclass(frozen=True)
class Confusion:
    """Images of one class that are taken for another: their number in a mean run, and their share of the class."""

    true: str
    taken_for: str
    count: float
    share: float


def confused_pairs(
    labels: NDArray[np.int64], predictions: NDArray[np.int64], classes: Sequence[str], most: int = 10
) -> tuple[Confusion, ...]:
    """Return the most frequent confusions of one model, over its runs.

    Args:
        labels: shape (N,).
        predictions: classes, shape (runs, N).
        classes: their names.
        most: how many to return.
    """
    size, runs = len(classes), len(predictions)
    pairs = (labels * size + predictions).ravel()
    counts = np.bincount(pairs, minlength=size**2).reshape(size, size)
    np.fill_diagonal(counts, 0)
    support = np.bincount(labels, minlength=size)
    order = np.argsort(-counts, axis=None, kind="stable")[:most]
    found = [(int(place // size), int(place % size)) for place in order if counts.flat[place] > 0]
    return tuple(
        Confusion(
            classes[true], classes[other], float(counts[true, other] / runs), counts[true, other] / runs / support[true]
        )
        for true, other in found
    )


@dataclass(frozen=True)
class Disagreement:
    """An image on which models disagree: its column in the scores, and each model's share of runs that are right."""

    image: int
    right: Mapping[str, float]

    @property
    def range(self) -> float:
        """The difference between the models that are most and least often right: 1 where seeds play no part."""
        return max(self.right.values()) - min(self.right.values())


def disagreements(scores: Mapping[str, ArrayLike], most: int = 20) -> tuple[Disagreement, ...]:
    """Return the images on which models disagree the most, those where their runs are the most at one first.

    Args:
        scores: for each model 0 or 1 for wrong or right, shape (runs, N).
        most: how many to return; fewer come back where models agree on the rest.
    """
    means = {name: array.mean(axis=0) for name, array in checked(scores).items()}
    table = np.array(list(means.values()))
    order = np.lexsort((-table.var(axis=0), -np.ptp(table, axis=0)))[:most]
    found = [Disagreement(int(i), {name: float(mean[i]) for name, mean in means.items()}) for i in order]
    return tuple(image for image in found if image.range > 0)
