"""Decoded images on disk: decoded once, mapped into memory ever after."""

import json
import logging
import math
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from errno import EDQUOT, ENOSPC
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.entry import is_intact, new_entry
from bakeoff.data.imageset import ImageSet, UInt8Array, fingerprint
from bakeoff.data.sources import BadImage, Listing, Pixels
from bakeoff.errors import DataError
from bakeoff.specs.base import digest
from bakeoff.specs.data import DataSpec

logger = logging.getLogger(__name__)

FORMAT = 2  # to be raised when decoding or the files change, so that older entries are made anew
IMAGES, INDEX, META = "images.u8", "index.npz", "meta.json"
REPORT_EVERY = 10  # seconds
SHOWN = 5  # unreadable images in a message

Shape = tuple[int, int, int]


def decoded(listing: Listing, spec: DataSpec, cache: Path) -> ImageSet:
    """Return the images of a listing from the cache, after decoding them into it where it does not have them.

    Args:
        listing: what a source found.
        spec: gives size, fit, and whether unreadable images are left out.
        cache: the cache folder, made where it does not exist.

    Raises:
        DataError: unreadable images that are not to be left out, no space, or a cache folder that cannot be used.
    """
    entry = cache / "images" / digest([listing.key, spec.image_size, spec.fit])
    with _usable(cache):
        images = _open(entry)
        if images is None:
            with new_entry(entry, is_good=lambda other: _open(other) is not None) as folder:
                _write(folder, listing)
            images = _open(entry)
    if images is None:
        raise DataError(f"{entry}: cannot be read back after writing; set BAKEOFF_CACHE to a folder on another disk")
    bad = images.provenance["skipped"]
    if bad and not spec.skip_bad:
        shown = "; ".join(f"{image['name']} {image['reason']}" for image in bad[:SHOWN])
        raise DataError(
            f"{len(bad)} of {len(listing.labels)} images cannot be read: {shown}{'; ...' if len(bad) > SHOWN else ''};"
            " mend or remove them, or leave them out with --skip-bad; bakeoff data --check lists all"
        )
    return images


@contextmanager
def _usable(cache: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise DataError(
            f"{cache}: the cache cannot be used ({error.strerror}); set BAKEOFF_CACHE to a folder that can be written"
        ) from None


def _open(entry: Path) -> ImageSet | None:
    """Return the images of an entry, or None where it is missing, damaged or of another format."""
    if not entry.exists():
        return None
    if not is_intact(entry):
        logger.warning("%s: the cached images are damaged and are decoded anew", entry)
        return None
    meta = json.loads((entry / META).read_text(encoding="utf-8"))
    if meta["format"] != FORMAT:
        logger.info("%s: the cached images have an older format and are decoded anew", entry)
        return None
    try:
        with np.load(entry / INDEX, allow_pickle=False) as index:
            arrays = {name: index[name] for name in index.files}
    except ValueError:  # Python objects, which only somebody else would have put there
        logger.warning("%s: the cached images are not of this program and are decoded anew", entry)
        return None
    for array in arrays.values():
        array.setflags(write=False)
    return ImageSet(
        images=_mapped(entry, tuple(meta["shape"])),
        labels=arrays.pop("labels"),
        class_names=tuple(meta["class_names"]),
        parts=arrays,
        provenance=meta["provenance"],
        fingerprint=meta["fingerprint"],
    )


def _write(folder: Path, listing: Listing) -> None:
    started = time.monotonic()
    shape, count = listing.pixels.shape(), len(listing.labels)
    with _enough_space(folder, count * math.prod(shape)):
        kept, bad = _write_images(folder / IMAGES, listing.pixels, shape, count)
        if not kept.any():
            raise DataError(f"none of the {count} images can be read; the first: {bad[0]}")
        place = np.cumsum(kept) - 1
        labels = listing.labels[kept]
        parts = {part: place[indices[kept[indices]]] for part, indices in listing.parts.items()}
        images = _mapped(folder, (len(labels), *shape))
        meta = {
            "format": FORMAT,
            "shape": images.shape,
            "class_names": listing.class_names,
            "fingerprint": fingerprint(images, labels, listing.class_names, parts),
            "provenance": {  # of decoding alone: what the source says is asked anew each time
                **listing.pixels.describe(),
                "skipped": [{"name": image.name, "reason": image.reason} for image in bad],
            },
        }
        arrays: dict[str, Any] = {"labels": labels, **parts}
        np.savez(folder / INDEX, **arrays)
        (folder / META).write_text(json.dumps(meta, indent=1), encoding="utf-8")
    logger.info("decoded %d images in %.1f s", len(labels), time.monotonic() - started)


@contextmanager
def _enough_space(folder: Path, needed: int) -> Iterator[None]:
    def refusal() -> DataError:
        free = shutil.disk_usage(folder.parent).free
        return DataError(
            f"{folder.parent}: the decoded images need {needed / 1e6:,.1f} MB, and {free / 1e6:,.1f} MB are free; make"
            " room, choose a smaller size (--imgsz), or set BAKEOFF_CACHE to a folder on another disk"
        )

    if shutil.disk_usage(folder.parent).free < needed:
        raise refusal()
    try:
        yield
    except OSError as error:
        if error.errno in (ENOSPC, EDQUOT):
            raise refusal() from None
        raise


def _write_images(path: Path, pixels: Pixels, shape: Shape, count: int) -> tuple[NDArray[np.bool_], list[BadImage]]:
    """Write the images one behind the other; return which ones were, and what is wrong with the others."""
    kept, bad = np.zeros(count, np.bool_), []
    reported = time.monotonic()
    with path.open("wb", buffering=1 << 20) as file:
        for index, image in zip(range(count), pixels.read(), strict=True):
            if isinstance(image, BadImage):
                bad.append(image)
            else:
                assert image.shape == shape
                file.write(image.tobytes())
                kept[index] = True
            if time.monotonic() - reported > REPORT_EVERY:
                reported = time.monotonic()
                logger.info("decoded %d of %d images", index + 1, count)
    return kept, bad


def _mapped(folder: Path, shape: tuple[int, ...]) -> UInt8Array:
    return np.asarray(np.memmap(folder / IMAGES, np.uint8, mode="r", shape=shape))
