"""A data set in memory: uint8 images, labels, class names, and which part each image was given to."""

import hashlib
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import UnknownNameError

UInt8Array = NDArray[np.uint8]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class ImageSet:
    """All images of a data set.

    Attributes:
        images: shape (N, H, W, C), C being 1 or 3; often a read-only memory map.
        labels: shape (N,), each in [0, len(class_names)).
        class_names: one name per class, in the order of the labels.
        parts: indices of the images that the source itself gives to "train", "val" and "test"; only "train" is
            always there. Together they cover every image once.
        provenance: where the images come from and what happened on the way, for people to read.
        fingerprint: see `fingerprint`.
        names: the file of each image, where each has one of its own; else empty.
    """

    images: UInt8Array
    labels: IntArray
    class_names: tuple[str, ...]
    parts: Mapping[str, IntArray]
    provenance: Mapping[str, Any]
    fingerprint: str
    names: Sequence[str] = ()

    @property
    def channels(self) -> int:
        """1 for gray images, 3 for colour."""
        return int(self.images.shape[3])

    @property
    def num_classes(self) -> int:
        """Number of classes."""
        return len(self.class_names)


def only_classes(images: ImageSet, wanted: Collection[str]) -> ImageSet:
    """Return the images of some classes, which keep their order; their labels count from 0.

    Raises:
        UnknownNameError: there is no such class, with the nearest names.
    """
    for name in wanted:
        if name not in images.class_names:
            raise UnknownNameError("class", name, images.class_names)
    names = tuple(name for name in images.class_names if name in wanted)
    new_label = np.array([names.index(name) if name in names else -1 for name in images.class_names])
    labels = new_label[images.labels]
    rows = np.flatnonzero(labels >= 0)
    new_row = np.cumsum(labels >= 0) - 1
    parts = {part: new_row[indices[labels[indices] >= 0]] for part, indices in images.parts.items()}
    pixels, labels = images.images[rows], labels[rows]
    provenance = {**images.provenance, "classes": list(names)}
    files = tuple(images.names[int(row)] for row in rows) if images.names else ()
    return ImageSet(pixels, labels, names, parts, provenance, fingerprint(pixels, labels, names, parts), files)


def fingerprint(
    images: UInt8Array, labels: IntArray, class_names: tuple[str, ...], parts: Mapping[str, IntArray]
) -> str:
    """Return the SHA-256, in hex, of everything that makes a data set what it is.

    Equal pixels, labels, names and given parts in the same order have the same fingerprint on every machine.
    """
    total = hashlib.sha256()
    total.update(repr((images.shape, class_names)).encode())
    for start in range(0, len(images), 4096):
        total.update(images[start : start + 4096].tobytes())
    total.update(labels.astype("<i8").tobytes())
    for name in sorted(parts):
        total.update(name.encode())
        total.update(parts[name].astype("<i8").tobytes())
    return total.hexdigest()
