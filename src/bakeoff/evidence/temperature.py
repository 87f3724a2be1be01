"""Temperature scaling: one number, fitted on validation images, that mends a network's confidence."""

import numpy as np
from numpy.typing import NDArray
from scipy import optimize, special

from bakeoff.evidence.scores import EvidenceError

COLDEST, HOTTEST = 0.01, 100.0


def fit_temperature(logits: NDArray[np.floating], labels: NDArray[np.int64]) -> float:
    """Return the temperature T for which softmax(logits / T) has the least mean negative log-likelihood.

    Above 1 the network was too sure of itself. Accuracy does not change. Fit on validation images, never on the test
    set. The likelihood is concave in 1/T, so the optimum is the root of its slope; it is kept within .01 and 100,
    where it lies beyond them (every image right; or no better than guessing). Source: Guo et al. (2017), ICML.

    Args:
        logits: of the validation images, shape (N, K).
        labels: their classes, shape (N,).

    Raises:
        EvidenceError: no images, or logits that are not finite.
    """
    values = np.asarray(logits, np.float64)
    if values.ndim != 2 or len(values) != len(labels) or not len(values) or not np.isfinite(values).all():
        raise EvidenceError("a temperature is fitted on finite logits of images x classes, with a label for each image")
    own = values[np.arange(len(values)), labels]

    def slope(inverse: float) -> float:
        expected = (special.softmax(inverse * values, axis=1) * values).sum(axis=1)
        return float((expected - own).mean())

    if slope(1 / COLDEST) <= 0:
        return COLDEST
    if slope(1 / HOTTEST) >= 0:
        return HOTTEST
    return float(1 / optimize.brentq(slope, 1 / HOTTEST, 1 / COLDEST))
