"""Arrays in an .npz file under the names that Keras gives its data sets: x_train, y_train, x_test, y_test.

A validation part is x_val, y_val; a file with only x and y is a training part. `class_names` may name the classes.
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.decode import UnfitValuesError, bytes_from_floats, on_white
from bakeoff.data.imageset import UInt8Array
from bakeoff.data.labels import number_labels, text
from bakeoff.data.locations import Locations
from bakeoff.data.pixels import ArrayPixels
from bakeoff.data.sources import Listing, consecutive, stamp
from bakeoff.data.unpacking import check_unpacked
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec


def from_npz(spec: DataSpec, where: Locations) -> Listing:  # noqa: ARG001, the spec's name is the path
    """Return the arrays of the file that the spec names; raise `DataError` for what does not fit the layout."""
    path = Path(spec.name).expanduser()
    names = _names(path)
    suffixes = _suffixes(path, names)
    values = {f"y{suffix}": _read(path, f"y{suffix}") for suffix in suffixes.values()}
    sizes = {part: len(values[f"y{suffix}"]) for part, suffix in suffixes.items()}
    class_names = text(_read(path, "class_names").ravel()).tolist() if "class_names" in names else None
    labels, class_names_used = number_labels(_joined(values, path), class_names, str(path))
    return Listing(
        key=stamp([path]),
        pixels=ArrayPixels(lambda: _images(path, suffixes, sizes), spec),
        labels=labels,
        class_names=class_names_used,
        parts=consecutive(sizes),
        provenance={"source": ".npz file", "path": str(path)},
    )


def _suffixes(path: Path, names: list[str]) -> dict[str, str]:
    """Return what the names of each part's arrays end in."""
    suffixes = {part: f"_{part}" for part in ("train", "val", "test") if {f"x_{part}", f"y_{part}"} & set(names)}
    if "train" not in suffixes and "x" in names:
        suffixes = {"train": "", **suffixes}
    for suffix in suffixes.values():
        for missing in {f"x{suffix}", f"y{suffix}"} - set(names):
            raise DataError(f"{path}: the array {missing} is missing; the file has {', '.join(names)}")
    if "train" not in suffixes:
        raise DataError(f"{path}: has no arrays x_train and y_train, nor x and y; it has {', '.join(names) or 'none'}")
    return suffixes


def _names(path: Path) -> list[str]:
    if not zipfile.is_zipfile(path):
        raise DataError(f"{path}: is not a whole .npz file; write one with numpy.savez")
    try:
        with zipfile.ZipFile(path) as archive:
            check_unpacked(path, sum(member.file_size for member in archive.infolist()))
        with np.load(path, allow_pickle=False) as file:
            return list(file.files)
    except DataError:
        raise
    except Exception as error:  # zipfile and NumPy raise nearly everything for damaged files
        raise DataError(f"{path}: cannot be read ({_reason(error)}); write it again") from None


def _read(path: Path, name: str) -> NDArray[Any]:
    try:
        with np.load(path, allow_pickle=False) as file:
            array: NDArray[Any] = np.atleast_1d(file[name])
            return array
    except Exception as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{path}: the array {name} holds Python objects, which could run code when read; save plain numbers or"
                " strings, and images of one size"
            ) from None
        raise DataError(f"{path}: the array {name} cannot be read ({_reason(error)}); write the file again") from None


def _reason(error: Exception) -> str:
    return str(error).partition("\n")[0] or type(error).__name__


def _joined(arrays: Mapping[str, NDArray[Any]], path: Path) -> NDArray[Any]:
    if len({array.shape[1:] for array in arrays.values()}) > 1:
        shapes = ", ".join(f"{name} {array.shape}" for name, array in arrays.items())
        raise DataError(f"{path}: the arrays must agree in all but their length; got {shapes}")
    return np.concatenate(list(arrays.values()))


def _images(path: Path, suffixes: Mapping[str, str], sizes: Mapping[str, int]) -> UInt8Array:
    arrays = {f"x{suffix}": _read(path, f"x{suffix}") for suffix in suffixes.values()}
    for part, suffix in suffixes.items():
        if len(arrays[f"x{suffix}"]) != sizes[part]:
            raise DataError(
                f"{path}: x{suffix} has {len(arrays[f'x{suffix}'])} images but y{suffix} has {sizes[part]} labels"
            )
    values = _joined(arrays, path)
    if values.ndim not in (3, 4) or 0 in values.shape:
        raise DataError(f"{path}: images must have the shape (N, H, W) or (N, H, W, C); got {values.shape}")
    return _channels_last(_as_bytes(values, path), path)


def _as_bytes(values: NDArray[Any], path: Path) -> UInt8Array:
    if values.dtype == np.uint8:
        return values
    if values.dtype == np.bool_:
        return values * np.uint8(255)
    if values.dtype.kind == "f":
        try:
            return bytes_from_floats(values)
        except UnfitValuesError as error:
            raise DataError(f"{path}: {error}") from None
    if values.dtype.kind not in "iu":
        raise DataError(f"{path}: images must be numbers; got values of the type {values.dtype}")
    if values.min() < 0 or values.max() > 255:
        raise DataError(f"{path}: has pixels from {values.min()} to {values.max()}; scale them to 0..255")
    return values.astype(np.uint8)


def _channels_last(images: UInt8Array, path: Path) -> UInt8Array:
    if images.ndim == 3:
        return images[..., None]
    if images.shape[3] in (1, 3):
        return images
    if images.shape[3] == 4:
        return np.concatenate([on_white(images[i : i + 1024]) for i in range(0, len(images), 1024)])
    if images.shape[1] in (1, 3):
        return np.ascontiguousarray(np.moveaxis(images, 1, 3))
    raise DataError(f"{path}: images must have 1, 3 or 4 channels, last or first; got the shape {images.shape}")
