"""The area under the ROC curve as a mean over images.

An image of a class adds the share of other images that score lower than it, and another image the share of the class
that scores higher: what DeLong, DeLong & Clarke-Pearson (1988, Biometrics 44) call structural components. Weighted by
the shares of the class and of the rest they are one score per image, whose mean is the area and whose variance over
images, divided by their number, is DeLong's; that of two models' differences is his, too. So all that is said of scores
per image holds for areas. Class shares count as given.
"""

import numpy as np
from numpy.typing import NDArray

from bakeoff.evidence.scores import EvidenceError, FloatArray


def area_scores(scores: NDArray[np.floating], labels: NDArray[np.int64]) -> FloatArray:
    """Return a score per image, shape (N,), whose mean is that over the classes of one-versus-rest areas.

    Args:
        scores: of each image for each class, shape (N, K), such as probabilities.
        labels: classes of the images, shape (N,).

    Raises:
        EvidenceError: a class has fewer than two images, or all but one, so that the variance is not known; or scores
            that are not finite.
    """
    size, classes = scores.shape
    counts = np.bincount(labels, minlength=classes)
    if not np.isfinite(scores).all():
        raise EvidenceError("areas need finite scores")
    if counts.min() < 2 or counts.max() > size - 2:
        raise EvidenceError("the area under the ROC curve needs two images of every class, and two others")
    total = np.zeros(size)
    for label in range(classes):
        total += _of_class(scores[:, label], labels == label)
    return np.asarray(total / classes)


def _of_class(scores: NDArray[np.floating], own: NDArray[np.bool_]) -> FloatArray:
    """Return the scores of one class against the rest."""
    share = _beaten(scores, own)
    area, sizes = share[own].mean(), np.where(own, own.sum(), (~own).sum())
    # Each side's variance is a sum of squares divided by n - 1, not n.
    return np.asarray(area + len(own) * np.sqrt(sizes / (sizes - 1)) / sizes * (share - area))


def _beaten(scores: NDArray[np.floating], own: NDArray[np.bool_]) -> FloatArray:
    """Return of every image of the class the share of others below it, and of every other that of the class above."""
    order = np.argsort(scores, kind="stable")
    ordered, mine = scores[order], own[order]
    begins = np.r_[0, np.flatnonzero(np.diff(ordered)) + 1, len(ordered)]  # of equal scores, and the end
    group = np.repeat(np.arange(len(begins) - 1), np.diff(begins))
    below = np.r_[0, np.cumsum(mine)][begins]  # images of the class before each group
    tied = (below[group] + below[group + 1]) / 2
    place = (begins[group] + begins[group + 1]) / 2
    count = below[-1]
    share = np.empty(len(own))
    share[order] = np.where(mine, (place - tied) / (len(own) - count), 1 - tied / count)
    return share
