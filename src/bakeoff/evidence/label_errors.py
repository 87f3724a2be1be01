"""Images whose label is likely wrong, from probabilities of networks that did not train on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.evidence.scores import EvidenceError


@dataclass(frozen=True)
class LabelError:
    """An image whose label is doubted.

    Attributes:
        image: its row.
        given: its label.
        suggested: the class that it is more likely of.
        margin: probability of the given class minus that of the likeliest other; the lower, the surer.
    """

    image: int
    given: int
    suggested: int
    margin: float


def label_errors(probabilities: NDArray[np.floating], labels: NDArray[np.int64]) -> tuple[LabelError, ...]:
    """Return the images that confident learning doubts, the surest first.

    A class is believed of an image when its probability reaches the mean probability of that class over the images
    that are labelled so. An image whose likeliest believed class is not its label is in doubt: it lies off the diagonal
    of the confident joint. A list to look through, not a verdict: some of them are merely hard.

    Args:
        probabilities: shape (N, K), each row from networks that did not see that image in training: out of fold.
        labels: given classes, shape (N,).

    Raises:
        EvidenceError: the arrays do not belong together.

    Source: Northcutt, Jiang & Chuang (2021), Journal of Artificial Intelligence Research 70, section 3.1.
    """
    given = np.asarray(probabilities, np.float64)
    if given.ndim != 2 or len(given) != len(labels) or not np.isfinite(given).all():
        raise EvidenceError("label errors need finite probabilities of images x classes, with a label for each image")
    threshold = np.full(given.shape[1], np.inf)
    for label in np.unique(labels):
        threshold[label] = given[labels == label, label].mean()
    believed = np.where(given >= threshold, given, -1.0)
    likeliest = believed.argmax(axis=1)
    rows = np.arange(len(given))
    others = given.copy()
    others[rows, labels] = -1.0
    margin = given[rows, labels] - others.max(axis=1)
    doubted = np.flatnonzero((believed[rows, likeliest] >= 0) & (likeliest != labels))
    order = doubted[np.argsort(margin[doubted], kind="stable")]
    return tuple(LabelError(int(i), int(labels[i]), int(likeliest[i]), float(margin[i])) for i in order)
