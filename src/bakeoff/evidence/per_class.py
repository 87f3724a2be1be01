"""Class by class: where one model is better than another, with evidence."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bakeoff.evidence.compare import Comparison, compare
from bakeoff.evidence.components import components
from bakeoff.evidence.holm import holm
from bakeoff.evidence.scores import checked


def class_differences(
    first: str,
    second: str,
    a: ArrayLike,
    b: ArrayLike,
    labels: NDArray[np.int64],
    classes: Sequence[str],
    level: float = 0.95,
) -> dict[str, Comparison]:
    """Compare two models on the images of each class, their p-values corrected by Holm's method over the classes.

    The method is that of `compare`. Networks trade classes against one another from seed to seed, so a model's spread
    over seeds is larger for one class than for all, and few seeds find only large differences.

    Args:
        first: the name of the model of `a`.
        second: the name of the model of `b`.
        a: 0 or 1 for wrong or right, shape (runs, N).
        b: of the other model.
        labels: classes of the images, shape (N,).
        classes: their names. A class with fewer than two test images is left out.
        level: of the intervals, and 1 - alpha of all decisions together.
    """
    both = list(checked({f"{first} (first)": a, f"{second} (second)": b}).values())
    found = {}
    for number, name in enumerate(classes):
        mine = labels == number
        if mine.sum() > 1:
            found[name] = compare(first, second, components(both[0][:, mine]), components(both[1][:, mine]), level)
    adjusted = iter(holm([pair.p_value for pair in found.values() if pair.p_value is not None]))
    return {
        name: pair if pair.p_value is None else replace(pair, adjusted=next(adjusted)) for name, pair in found.items()
    }
