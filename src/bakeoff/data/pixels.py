"""Images that wait to be decoded: from files, or from an array. Both keep the contract `sources.Pixels`."""

import logging
import os
import warnings
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from functools import cached_property, partial
from itertools import islice
from typing import Any, TypeVar

import numpy as np
from PIL import Image

from bakeoff.data.decode import Blob, Header, decode, read_header
from bakeoff.data.fit import Fit
from bakeoff.data.imageset import IntArray, UInt8Array
from bakeoff.data.sources import BadImage
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec

T = TypeVar("T")

DEFAULT_SIDE = 224  # what most pretrained networks were trained with
KEEP_SIDE = 512  # images of one size keep it up to this side; larger ones are photos to be scaled
WORKERS = min(8, os.cpu_count() or 1)
CHUNK = 8  # images per task: enough that handing over small ones costs little


class EncodedPixels:
    """Images in files or in the rows of a table, decoded on several threads in their order.

    They become squares, as networks take them. The side is the spec's; else their own shorter one, where all have one
    size of at most 512 pixels a side; else the median shorter side, at most 224 and a multiple of 8. They have 1
    channel where every image is gray, else 3.

    Args:
        blobs: the encoded images, to be gone through more than once.
        spec: gives size and fit.
    """

    def __init__(self, blobs: Iterable[Blob], spec: DataSpec) -> None:
        self._blobs, self._spec = blobs, spec

    def shape(self) -> tuple[int, int, int]:
        """Return (H, W, C) after a look at every header; raise `DataError` where no image can be read."""
        fit, channels, _ = self._plan
        return fit.height, fit.width, channels

    def read(self) -> Iterator[UInt8Array | BadImage]:
        """Yield each image as uint8 of that shape, or what is wrong with it."""
        fit, channels, _ = self._plan
        with _quiet_pillow():
            yield from _in_order(partial(decode, gray=channels == 1, finish=fit), self._blobs)

    def describe(self) -> Mapping[str, Any]:
        """Return how the images are resized."""
        return {"resized": self._plan[2]}

    @cached_property
    def _plan(self) -> tuple[Fit, int, str]:
        headers: list[Header] = []
        first_bad: BadImage | None = None
        with _quiet_pillow():
            for header in _in_order(read_header, self._blobs):
                if isinstance(header, Header):
                    headers.append(header)
                else:
                    first_bad = first_bad or header
        if not headers:
            raise DataError(f"none of the images can be read; the first: {first_bad}")
        fit, note = _choose_fit(np.array([(header.height, header.width) for header in headers]), self._spec)
        return fit, 1 if all(header.gray for header in headers) else 3, note


class ArrayPixels:
    """Images that are decoded already, such as those of an .npz file, resized by the same rule as files.

    Args:
        load: returns the images, uint8 of shape (N, H, W, C); called once, and only where the cache has none.
        spec: gives size and fit.
    """

    def __init__(self, load: Callable[[], UInt8Array], spec: DataSpec) -> None:
        self._load, self._spec = load, spec

    def shape(self) -> tuple[int, int, int]:
        """Return (H, W, C)."""
        fit, _ = self._plan
        return fit.height, fit.width, self._images.shape[3]

    def read(self) -> Iterator[UInt8Array]:
        """Yield each image as uint8 of that shape."""
        fit, _ = self._plan
        gray = self._images.shape[3] == 1
        for image in self._images:
            if image.shape[:2] == (fit.height, fit.width):
                yield image
                continue
            fitted = np.asarray(fit(Image.fromarray(image[:, :, 0] if gray else image)))
            yield fitted[:, :, None] if gray else fitted

    def describe(self) -> Mapping[str, Any]:
        """Return how the images are resized."""
        return {"resized": self._plan[1]}

    @cached_property
    def _images(self) -> UInt8Array:
        return self._load()

    @cached_property
    def _plan(self) -> tuple[Fit, str]:
        return _choose_fit(np.array([self._images.shape[1:3]]), self._spec)


def _choose_fit(sizes: IntArray, spec: DataSpec) -> tuple[Fit, str]:
    """Return the one size for images of the given heights and widths, and what to tell of it.

    Args:
        sizes: shape (N, 2).
        spec: gives size and fit.
    """
    height, width = (int(side) for side in sizes[0])
    alike = bool((sizes == sizes[0]).all())
    if alike and height == width == (spec.image_size or width) and width <= KEEP_SIDE:
        return Fit(height, width, spec.fit), f"no, all are {width}x{height}"
    side, why = spec.image_size, "as asked for"
    if side is None and alike and max(height, width) <= KEEP_SIDE:
        side, why = min(height, width), f"the shorter side of all, which are {width}x{height}"
    elif side is None:
        median = int(np.median(sizes.min(axis=1)))
        side = max(8, min(DEFAULT_SIDE, median // 8 * 8))
        why = f"chosen by the median shorter side, {median}"
    return Fit(side, side, spec.fit), f"to {side}x{side} by {spec.fit}, {why}"


def _in_order(work: Callable[[Blob], T], blobs: Iterable[Blob]) -> Iterator[T]:
    """Yield the result for each blob in their order, from several threads that look ahead a bounded number."""
    source = iter(blobs)
    waiting: deque[Future[list[T]]] = deque()
    with ThreadPoolExecutor(WORKERS) as pool:
        try:
            while chunk := list(islice(source, CHUNK)):
                waiting.append(pool.submit(lambda blobs: [work(blob) for blob in blobs], chunk))
                if len(waiting) > 2 * WORKERS:
                    yield from waiting.popleft().result()
            while waiting:
                yield from waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


@contextmanager
def _quiet_pillow() -> Iterator[None]:
    """Keep what Pillow warns of and logs from the user: `BadImage` tells what matters. Not for threads to enter."""
    logger = logging.getLogger("PIL")
    level = logger.level
    logger.setLevel(logging.CRITICAL)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", module=r"PIL\.")
            yield
    finally:
        logger.setLevel(level)
