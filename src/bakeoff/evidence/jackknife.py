"""Figures that are not means over images, such as macro F1 and the calibration error, made into such means.

The delete-a-group jackknife (Tukey 1958; Kott 2001): leave out one of G groups of test images at a time. The change
is what that group contributes. These contributions, called pseudo-values, average to the figure, and their spread is
that of the figure over images; so everything that is said of scores per image holds for them, with G groups in place
of N images. It is sound for smooth figures (F1, recall, log-loss), and rough for those with corners or bins: close to
0, a calibration error is biased upwards, and its interval misses it (`docs/evidence.md` has how often).
"""

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.evidence.scores import EvidenceError, FloatArray

Figure = Callable[[NDArray[np.float32], NDArray[np.int64]], float]


def contributions(
    figure: Figure,
    logits: Sequence[NDArray[np.float32]],
    labels: NDArray[np.int64],
    groups: int = 40,
) -> FloatArray:
    """Return scores for `judge`, shape (runs, groups), whose mean for each run is its figure.

    Groups are the same for every model that is judged on these labels, and hold equal shares of every class, so that
    the shares of the classes are taken as given.

    Args:
        figure: takes logits (n, K) and labels (n,), any n.
        logits: of each run, shape (N, K), of the same images in the same order.
        labels: of the images, shape (N,).
        groups: G. More cost more evaluations of the figure, runs x (G + 1), and gain little.

    Raises:
        EvidenceError: fewer images than groups, or a figure that is not defined without one of the groups.
    """
    if len(labels) < groups or groups < 2:
        raise EvidenceError(f"{len(labels)} images cannot be left out in {groups} groups; take from 2 to {len(labels)}")
    member = np.empty(len(labels), np.int64)
    member[np.argsort(labels, kind="stable")] = np.arange(len(labels)) % groups
    rows = [_pseudo_values(figure, run, labels, member, groups) for run in logits]
    return np.array(rows)


def _pseudo_values(
    figure: Figure, logits: NDArray[np.float32], labels: NDArray[np.int64], member: NDArray[np.int64], groups: int
) -> FloatArray:
    whole = figure(logits, labels)
    without = np.array([figure(logits[member != group], labels[member != group]) for group in range(groups)])
    if not np.isfinite([whole, *without]).all():
        raise EvidenceError(f"the figure is not defined without one of {groups} groups of images; take more groups")
    return np.asarray(whole + (groups - 1) * (without.mean() - without))
