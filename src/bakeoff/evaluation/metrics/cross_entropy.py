"""Cross-entropy."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import log_softmax

from bakeoff.evaluation.metrics import metric


@metric("loss", better="lower")
def cross_entropy(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean negative log-probability, in nats, of the images' classes."""
    log_probabilities = log_softmax(logits.astype(np.float64), axis=1)
    return float(-log_probabilities[np.arange(len(labels)), labels].mean())
