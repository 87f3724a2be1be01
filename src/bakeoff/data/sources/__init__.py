"""Where images come from: one file per kind of source, each registering what it can load.

A source looks and lists; it decodes nothing by itself. `bakeoff.data.load` asks it for a `Listing`, decodes the
pixels once into the cache, and hands out an `ImageSet`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

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


@dataclass(frozen=True)
class BadImage:
    """An image that cannot be decoded."""

    name: str  # its path, or its place in a file
    reason: str


@dataclass(frozen=True)
class Listing:
    """What a source found.

    Attributes:
        key: a hash of everything that the decoded pixels depend on (files, sizes, times of change, options).
        pixels: the images, not yet decoded.
        labels: shape (N,).
        class_names: in the order of the labels.
        parts: indices per part, as in `ImageSet.parts`.
        provenance: where it comes from, for people to read.
    """

    key: str
    pixels: Pixels
    labels: IntArray
    class_names: tuple[str, ...]
    parts: Mapping[str, IntArray]
    provenance: Mapping[str, Any]


class Source(Protocol):
    """Finds the files of a data set; raises `DataError` or `OfflineError` with what is missing and how to bring it."""

    def __call__(self, spec: DataSpec, where: Locations) -> Listing:
        """Return what is there, without decoding an image."""
        ...


sources: Registry[Source] = Registry("data set", __name__)
