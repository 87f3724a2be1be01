"""Labels as data sets write them become numbers from 0 and names."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.imageset import IntArray
from bakeoff.errors import DataError


def number_labels(values: NDArray[Any], names: Sequence[str] | None, where: str) -> tuple[IntArray, tuple[str, ...]]:
    """Return labels of shape (N,) and the class names they count.

    Args:
        values: whole numbers or strings of shape (N,) or (N, 1), or one-hot rows of shape (N, K).
        names: the class names, if the data set has them; else numbers are their own names and strings are sorted.
        where: the place of the labels, for messages.

    Raises:
        DataError: for labels that are none of these, negative, or beyond the names.
    """
    flat = _one_per_image(values, where)
    if flat.dtype.kind in "US":
        flat = text(flat)
        known = tuple(names) if names else tuple(str(value) for value in np.unique(flat))
        place = {name: number for number, name in enumerate(known)}
        if unknown := sorted({str(value) for value in flat} - place.keys()):
            raise DataError(f"{where}: the label {unknown[0]!r} is not among the class names; add it to them")
        return np.array([place[str(value)] for value in flat], np.int64), known
    if flat.dtype.kind not in "iub" and not (flat.dtype.kind == "f" and np.array_equal(flat, np.rint(flat))):
        raise DataError(f"{where}: labels must be whole numbers or strings; got values of the type {flat.dtype}")
    labels = flat.astype(np.int64)
    low, high = int(labels.min(initial=0)), int(labels.max(initial=0))
    if low < 0:
        raise DataError(f"{where}: the label {low} is negative; number the classes from 0")
    if names is None and high >= len(labels) > 0:
        raise DataError(f"{where}: the label {high} is beyond the number of images; number the classes from 0, no gaps")
    if names is not None and high >= len(names):
        raise DataError(f"{where}: the label {high} has no name among the {len(names)} class names; add it to them")
    return labels, tuple(names) if names else tuple(str(number) for number in range(high + 1))


def text(values: NDArray[Any]) -> NDArray[np.str_]:
    """Return strings from strings or from bytes in UTF-8, damaged ones with replacement characters."""
    return np.char.decode(values, "utf-8", "replace") if values.dtype.kind == "S" else values.astype(np.str_)


def _one_per_image(values: NDArray[Any], where: str) -> NDArray[Any]:
    if values.ndim == 1:
        return values
    if values.ndim == 2 and values.shape[1] == 1:
        return values[:, 0]
    if values.ndim == 2 and values.dtype.kind in "iubf":
        if np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all():
            return np.asarray(values.argmax(axis=1))
        raise DataError(f"{where}: labels in {values.shape[1]} columns must be one-hot, a single 1 in each row")
    raise DataError(f"{where}: labels must have the shape (N,), (N, 1) or one-hot (N, K); got {values.shape}")
