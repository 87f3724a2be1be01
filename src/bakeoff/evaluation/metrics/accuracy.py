"""Accuracy."""

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.metrics import metric


@metric("accuracy", better="higher")
def accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of images whose largest logit is that of their class."""
    return float((logits.argmax(1) == labels).mean())


@metric("top5_accuracy", better="higher")
def top5_accuracy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Share of images whose class is among the five largest logits; 1 with five classes or fewer."""
    if logits.shape[1] <= 5:
        return 1.0
    top = np.argpartition(logits, -5, axis=1)[:, -5:]
    return float((top == labels[:, None]).any(1).mean())
