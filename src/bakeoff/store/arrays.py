"""The arrays that a run leaves behind, checked before anybody uses them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open

from bakeoff.errors import StoreError

DIMENSIONS = {"logits": 2, "averaged": 2, "maps": 3}  # of the others, 1
CLASSES = ("labels", "predicted")


@dataclass(frozen=True)
class Extent:
    """How many images and classes a data set has: what numbers of either may be."""

    images: int
    classes: int

    @classmethod
    def of(cls, about: Mapping[str, Any]) -> Self:
        """Return the extent of a study's data set, by its study file."""
        return cls(about["data"]["shape"][0], len(about["data"]["class_names"]))


def read_arrays(
    path: Path, names: Collection[str], part: str = "", *, optional: str = "", extent: Extent | None = None
) -> tuple[dict[str, NDArray[Any]], Mapping[str, str]]:
    """Return arrays of a file that all have an entry for each of the same images, and the file's metadata.

    Args:
        path: of the file.
        names: of the arrays.
        part: of the data, which is before their names in the file.
        optional: the name that need not be there.
        extent: of the data set; None where that is not known.

    Raises:
        StoreError: they are not there, or not what we write.
    """
    try:
        with safe_open(path, framework="numpy") as file:  # one part alone: training logits are large
            prefix, about = part and f"{part}.", file.metadata() or {}
            there = {name.removeprefix(prefix) for name in file.keys() if name.startswith(prefix)}  # noqa: SIM118
            if not there & {*names}:
                raise StoreError(f"there are no predictions for the part {part!r} in {path}")
            arrays = {name: file.get_tensor(prefix + name) for name in names if name != optional or name in there}
        check(arrays, extent)
    except (OSError, ValueError, TypeError, SafetensorError) as error:
        raise StoreError(
            f"{path} cannot be read: {error}; put a copy of it back, or train this run again in another folder"
        ) from None
    return arrays, about


def check(arrays: Mapping[str, NDArray[Any]], extent: Extent | None) -> None:
    """Raise `ValueError` where arrays are not of the same images, or name images or classes that there are not."""
    count = len(arrays["labels"]) if arrays["labels"].ndim else 0
    for name, array in arrays.items():
        kind = np.floating if name in DIMENSIONS else np.integer
        if array.ndim != DIMENSIONS.get(name, 1) or array.dtype == object or not np.issubdtype(array.dtype, kind):
            raise ValueError(f"{name} have the shape {array.shape} and the type {array.dtype}")
        if len(array) != count:
            raise ValueError(f"there are {len(array)} {name}, and {count} labels")
        if array.ndim == 3 and not (array.size and np.isfinite(array).all()) and count:
            raise ValueError(f"{name} are empty or not finite")
    classes = {array.shape[1] for name, array in arrays.items() if DIMENSIONS.get(name) == 2}
    if extent and classes - {extent.classes}:
        raise ValueError(f"there are logits of {classes.pop()} classes, and the data set has {extent.classes}")
    if "logits" in arrays and not count:
        raise ValueError("there are predictions for no image")
    most = extent.classes if extent else min(classes, default=None)
    _within(arrays, CLASSES, most, "classes")
    _within(arrays, ("indices",), extent.images if extent else None, "images")


def _within(arrays: Mapping[str, NDArray[Any]], names: Collection[str], most: int | None, what: str) -> None:
    for name in names:
        if name in arrays and arrays[name].size:
            low, high = int(arrays[name].min()), int(arrays[name].max())
            if low < 0 or (most is not None and high >= most):
                of = f"; the data set has {most:,}" if most is not None else ""
                raise ValueError(f"{name} go from {low} to {high}, and are numbers of {what} from 0{of}")
