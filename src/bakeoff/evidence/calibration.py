"""Are a network's probabilities to be believed? Reliability and calibration error of its most likely class."""

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bakeoff.evidence.scores import EvidenceError, FloatArray


@dataclass(frozen=True, eq=False)
class Reliability:
    """A reliability diagram: what the network claims, and how often it is right. Bins without images are left out.

    Attributes:
        confidence: mean probability of the most likely class in each bin, ascending.
        accuracy: share of right images in each bin.
        count: images in each bin.
    """

    confidence: FloatArray
    accuracy: FloatArray
    count: NDArray[np.int64]

    @property
    def ece(self) -> float:
        """Expected calibration error: mean distance of claim and truth (Naeini et al. 2015; Guo et al. 2017).

        Chance alone makes it positive: a network whose claims are perfect has about .02 with 1,000 images and 15 bins.
        """
        return float(np.average(np.abs(self.accuracy - self.confidence), weights=self.count))

    @property
    def debiased_rms(self) -> float:
        """Root mean squared calibration error, without the part that chance adds; about 0 for perfect claims.

        In each bin the squared distance is reduced by the variance of its accuracy (Bröcker 2012; Ferro & Fricker
        2012; Kumar et al. 2019). Bins of one image, where that is not known, are left out.
        """
        some = self.count > 1
        if not some.any():
            return float("nan")
        accuracy, count = self.accuracy[some], self.count[some]
        chance = accuracy * (1 - accuracy) / (count - 1)
        squares = (accuracy - self.confidence[some]) ** 2 - chance
        return float(np.sqrt(max(0.0, np.average(squares, weights=count))))


def reliability(
    probabilities: NDArray[np.floating],
    labels: NDArray[np.int64],
    bins: int = 15,
    equal: Literal["mass", "width"] = "mass",
) -> Reliability:
    """Return the reliability diagram of one network.

    Args:
        probabilities: shape (N, K), rows that sum to 1.
        labels: classes of the images, shape (N,).
        bins: how many, at most.
        equal: bins of as many images each, which has less bias (Roelofs et al. 2022), or of equal width from 0 to 1,
            as in most papers. Images of one probability are always in one bin.

    Raises:
        EvidenceError: no images, or values that are not probabilities.
    """
    given = np.asarray(probabilities, np.float64)
    sound = given.ndim == 2 and len(given) == len(labels) > 0 and bool((np.abs(given.sum(axis=1) - 1) < 1e-3).all())
    if not sound:
        raise EvidenceError("probabilities are an array of images x classes whose rows sum to 1, with a label for each")
    return binned(given.max(axis=1), given.argmax(axis=1) == labels, bins, equal)


def binned(
    confidence: NDArray[np.floating],
    right: NDArray[np.bool_],
    bins: int = 15,
    equal: Literal["mass", "width"] = "mass",
) -> Reliability:
    """Return the same of the probabilities of the likeliest classes, and whether they are right, each of shape (N,)."""
    inner = np.quantile(confidence, np.arange(1, bins) / bins) if equal == "mass" else np.arange(1, bins) / bins
    place = np.searchsorted(inner, confidence, side="left")
    count = np.bincount(place, minlength=bins)
    used = count > 0
    sums = (np.bincount(place, weights=values, minlength=bins)[used] for values in (confidence, right))
    claimed, true = (values / count[used] for values in sums)
    return Reliability(claimed, true, count[used])
