"""Arrays out of HDF5 files that may come from anywhere.

Links that lead out of the file are refused, and sizes are looked at before anything is read: a small file can declare
arrays of any size.
"""

import math
import mmap
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import h5py
import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import ModelError
from bakeoff.models.trial import reason

MAX_BYTES = 4 << 30
MAX_PARTS = 100_000
MAX_DEPTH = 20  # hard links can make a group its own part
MAX_NAME = 1024
MAX_RATIO = 20  # of what is read to what lies in the file; weights hardly compress
_HEAP = re.compile(rb"GCOL\x01\0\0\0")  # where a heap of strings begins
_HEADER = 16  # bytes that say how long a heap is, or a string in it
_FILTERS = {h5py.h5z.FILTER_DEFLATE, h5py.h5z.FILTER_SHUFFLE, h5py.h5z.FILTER_FLETCHER32}  # no plug-ins


class Hdf5:
    """An open file. Every method raises `ModelError` for what it refuses."""

    def __init__(self, file: h5py.File, size: int) -> None:
        self.root: h5py.Group = file
        self._left = min(size * MAX_RATIO, MAX_BYTES)
        self._parts = MAX_PARTS

    def children(self, group: h5py.Group) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
        """Yield the parts of a group by name."""
        if group.name.count("/") > MAX_DEPTH:
            raise ModelError("it has groups within each other without end")
        for name in group:
            yield name, self.child(group, name)

    def child(self, group: h5py.Group, path: str) -> h5py.Group | h5py.Dataset:
        """Return a part of a group, whose path may have slashes."""
        self._parts -= 1
        if self._parts < 0:
            raise ModelError(f"it has more than {MAX_PARTS:,} parts")
        part = group
        for name in path.split("/"):
            if not isinstance(part, h5py.Group) or not isinstance(part.get(name, getlink=True), h5py.HardLink):
                raise ModelError(f"{group.name}/{path} is missing, or a link that is not followed")
            part = part[name]
        return part

    def array(self, dataset: h5py.Group | h5py.Dataset) -> NDArray[np.float32]:
        """Return the numbers of a data set, of whatever precision and order of bytes."""
        if not isinstance(dataset, h5py.Dataset) or dataset.dtype.kind not in "fiu":
            raise ModelError(f"{dataset.name} does not hold numbers")
        plan = dataset.id.get_create_plist()
        filters = {plan.get_filter(index)[0] for index in range(plan.get_nfilters())}
        if dataset.is_virtual or dataset.external or not filters <= _FILTERS:
            raise ModelError(f"{dataset.name} is kept in other files, or in a format that is not read")
        self._left -= max(dataset.nbytes, dataset.size * np.dtype(np.float32).itemsize)
        if self._left < 0:
            raise ModelError("it declares arrays far larger than itself")
        return np.asarray(dataset[()], dtype=np.float32)

    def names(self, group: h5py.Group, attribute: str) -> list[str]:
        """Return a list of names, which Keras may spread over `attribute0`, `attribute1` and so on; [] without it."""
        parts = [attribute] if attribute in group.attrs else []
        while not parts or parts[-1] != attribute:
            numbered = f"{attribute}{len(parts)}"
            if numbered not in group.attrs:
                break
            parts.append(numbered)
        for stored in (group.attrs.get_id(part) for part in parts):
            if math.prod(stored.shape) > MAX_PARTS or stored.dtype.itemsize > MAX_NAME:
                raise ModelError(f"the attribute {attribute!r} of {group.name} is too large")
        found = [name for part in parts for name in np.ravel(group.attrs[part]).tolist()]
        return [name.decode() if isinstance(name, bytes) else str(name) for name in found]


@contextmanager
def opened(source: Path | BinaryIO, size: int) -> Iterator[Hdf5]:
    """Open a file of so many bytes to read.

    Raises:
        ModelError: it is no HDF5 file, or damaged, or holds what is refused.
    """
    try:
        _check_heaps(source)
        with h5py.File(source, "r") as file:
            yield Hdf5(file, size)
    except ModelError:
        raise
    except Exception as error:  # h5py raises nearly everything for damaged files
        raise ModelError(f"it is no HDF5 file, or a damaged one ({reason(error)})") from None


def _check_heaps(source: Path | BinaryIO) -> None:
    """Refuse a heap of strings in which HDF5 would go round without end: one with a free piece of no length.

    Source: "Disk Format: Level 1E - Global Heap" of the HDF5 File Format Specification, with lengths of 8 bytes.
    """
    if isinstance(source, Path):
        with source.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as content:
            _check_heaps_of(content)
    else:
        source.seek(0)
        _check_heaps_of(source.read())


def _check_heaps_of(content: bytes | mmap.mmap) -> None:
    for found in _HEAP.finditer(content):
        place = found.start() + _HEADER
        end = min(found.start() + _number(content, found.start() + 8, 8), len(content))
        while place + _HEADER <= end:
            index, length = _number(content, place, 2), _number(content, place + 8, 8)
            if index == length == 0:
                raise ModelError("it is a damaged HDF5 file (a heap of strings in it has no end)")
            place += _HEADER + -(-length // 8) * 8 if index else length


def _number(content: bytes | mmap.mmap, place: int, size: int) -> int:
    return int.from_bytes(content[place : place + size], "little")
