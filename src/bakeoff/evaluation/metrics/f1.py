"""F1."""

import numpy as np
from numpy.typing import NDArray

from bakeoff.evaluation.metrics import metric


@metric("macro_f1", better="higher")
def macro_f1(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean over the classes of the harmonic mean of precision and recall; 0 for a class never predicted rightly."""
    from sklearn.metrics import f1_score

    classes = np.arange(logits.shape[1])
    return float(f1_score(labels, logits.argmax(1), labels=classes, average="macro", zero_division=0))
