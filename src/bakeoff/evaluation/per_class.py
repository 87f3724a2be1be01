"""Figures class by class."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class ClassFigures:
    """How well one class is told from the others; precision is 0 where the class is never predicted."""

    name: str
    precision: float
    recall: float
    f1: float
    support: int  # images of the class


def class_figures(confusion: NDArray[np.int64], names: tuple[str, ...]) -> list[ClassFigures]:
    """Return precision, recall, F1 and support of each class, from a confusion matrix.

    Args:
        confusion: counts, shape (K, K): rows are the images' classes, columns the predicted ones.
        names: of the classes.
    """
    right = confusion.diagonal().astype(float)
    support, predicted = confusion.sum(1), confusion.sum(0)
    precision = np.divide(right, predicted, out=np.zeros_like(right), where=predicted > 0)
    recall = np.divide(right, support, out=np.zeros_like(right), where=support > 0)
    f1 = np.divide(2 * right, support + predicted, out=np.zeros_like(right), where=support + predicted > 0)
    return [
        ClassFigures(n, float(p), float(r), float(f), int(s))
        for n, p, r, f, s in zip(names, precision, recall, f1, support, strict=True)
    ]
