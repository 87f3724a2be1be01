"""Where images come from: one file per kind of source, each registering what it can load.

A source looks and lists; it decodes nothing by itself. `bakeoff.data.load` asks it for a `Listing`, decodes the
pixels once into the cache, and hands out an `ImageSet`.
"""

import hashlib
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from bakeoff.data.imageset import IntArray, UInt8Array
from bakeoff.data.locations import Locations
from bakeoff.registry import Registry
from bakeoff.specs.data import DataSpec


class Pixels(Protocol):
    """Images that are still to be decoded, in the order of the listing's labels."""

    def shape(self) -> tuple[int, int, int]:
        """Return (H, W, C), the one shape that every decoded image will have."""
        ...

    def read(self) -> Iterator["UInt8Array | BadImage"]:
        """Yield each image as uint8 of that shape, or what is wrong with it."""
        ...

    def describe(self) -> Mapping[str, Any]:
        """Return what decoding does to the images, such as how they are resized, for the provenance."""
        ...


@dataclass(frozen=True)
class BadImage:
    """An image that cannot be decoded."""

    name: str  # its path, or its place in a file
    reason: str  # such as "is empty"

    def __str__(self) -> str:
        return f"{self.name} {self.reason}"


@dataclass(frozen=True)
class Listing:
    """What a source found.

    Attributes:
        key: a hash of what the images and labels depend on besides the spec; see `stamp`.
        pixels: the images, not yet decoded.
        labels: shape (N,).
        class_names: in the order of the labels.
        parts: indices per part, as in `ImageSet.parts`.
        provenance: where it comes from, for people to read.
        names: the file of each image, where each has one of its own; else empty.
    """

    key: str
    pixels: Pixels
    labels: IntArray
    class_names: tuple[str, ...]
    parts: Mapping[str, IntArray]
    provenance: Mapping[str, Any]
    names: Sequence[str] = ()


class Source(Protocol):
    """Finds the files of a data set; raises `DataError` or `OfflineError` with what is missing and how to bring it."""

    def __call__(self, spec: DataSpec, where: Locations) -> Listing:
        """Return what is there, without decoding an image."""
        ...


def stamp(paths: Iterable[Path]) -> str:
    """Return a hash of files by their paths, sizes and times of change: a key for a `Listing`."""
    total = hashlib.sha256()
    for path in paths:
        try:
            seen = path.stat()
            state = (seen.st_size, seen.st_mtime_ns, seen.st_ctime_ns)
        except OSError:  # a broken link, say; decoding will report it
            state = (-1, -1, -1)
        total.update(repr((os.path.abspath(path), state)).encode())  # noqa: PTH100, a link's own place counts
    return total.hexdigest()


def consecutive(sizes: Mapping[str, int]) -> dict[str, IntArray]:
    """Return the indices of parts of the given sizes that lie one behind the other."""
    ends = np.cumsum(list(sizes.values()))
    return {part: np.arange(end - size, end) for (part, size), end in zip(sizes.items(), ends, strict=True)}


sources: Registry[Source] = Registry("data set", __name__)
