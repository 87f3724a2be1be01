"""What goes in: a score of every run for every test image, checked once, at the door."""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bakeoff.errors import BakeoffError

FloatArray = NDArray[np.float64]


class EvidenceError(BakeoffError):
    """Scores that cannot be compared."""


def checked(scores: Mapping[str, ArrayLike]) -> dict[str, FloatArray]:
    """Return the scores of every model as arrays of shape (runs, images); raise where they cannot be compared.

    Args:
        scores: for each model an array (runs, images), or (images,) for one run: 0 or 1 for wrong or right, or any
            number per image. Column i is the same test image for every model and every run.

    Raises:
        EvidenceError: there is no model or no run, fewer than two images, a score that is not finite, or models
            that were judged on different numbers of images.
    """
    if not scores:
        raise EvidenceError("there is nothing to judge: no model has a finished run")
    arrays = {name: _checked(name, np.atleast_2d(np.asarray(given, np.float64))) for name, given in scores.items()}
    sizes = {name: array.shape[1] for name, array in arrays.items()}
    if len(set(sizes.values())) > 1:
        counts = ", ".join(f"{name} on {size:,}" for name, size in sizes.items())
        raise EvidenceError(f"the models were judged on different test images: {counts}; compare runs of one test set")
    return arrays


def _checked(name: str, array: FloatArray) -> FloatArray:
    if array.ndim != 2 or array.shape[0] == 0:
        raise EvidenceError(f"{name}: scores are an array of runs x images; got the shape {array.shape}")
    if array.shape[1] < 2:
        raise EvidenceError(f"{name}: {array.shape[1]} test image is too few to tell chance from skill; 2 are needed")
    broken = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if broken.size:
        count = int((~np.isfinite(array[broken[0]])).sum())
        raise EvidenceError(
            f"{name}: run {broken[0] + 1} of {len(array)} has {count:,} scores that are not finite;"
            " leave out runs that diverged"
        )
    return array
