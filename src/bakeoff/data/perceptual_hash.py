"""Hashes of images that are near each other where the images look alike, and the pairs that are near.

The hash is of the kind called pHash: the signs, against their median, of an image's 63 lowest frequencies (discrete
cosine transform) without the mean. See Zauner (2010), Implementation and Benchmarking of Perceptual Image Hash
Functions, section 3.2.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from bakeoff.data.imageset import IntArray, UInt8Array

SIDE = 32  # pixels that images are reduced to, at most twice as many
KEPT = 8  # frequencies in each direction
LEAST = 2 * KEPT  # pixels of a side, below which the frequencies are all that an image has
GRAY = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R 601
BLOCK = 1024  # images that are transformed at once
COLUMNS = 1 << 16  # hashes that are compared at once: they stay in the processor's cache


@dataclass(frozen=True)
class Hashes:
    """Of N images.

    Attributes:
        bits: uint64, shape (N,).
        patterns: the low frequencies of every channel, of length 1, float32, shape (N, 63 * C). The inner product of
            two is the correlation of the blurred images; 0 throughout for an image without any structure.
    """

    bits: NDArray[np.uint64]
    patterns: NDArray[np.float32]

    def correlation(self, one: IntArray, other: IntArray) -> NDArray[np.float32]:
        """Return the correlations of pairs of images, shape (P,), in [-1, 1]."""
        found = [
            np.einsum(
                "ij,ij->i", self.patterns[one[start : start + COLUMNS]], self.patterns[other[start : start + COLUMNS]]
            )
            for start in range(0, len(one), COLUMNS)
        ]
        return np.concatenate(found) if found else np.zeros(0, np.float32)


def hashes(images: UInt8Array) -> Hashes:
    """Return the hashes of images of shape (N, H, W, C), both sides of at least `LEAST` pixels."""
    found = [_hashes(images[start : start + BLOCK]) for start in range(0, len(images), BLOCK)]
    return Hashes(np.concatenate([one.bits for one in found]), np.concatenate([one.patterns for one in found]))


def _hashes(images: UInt8Array) -> Hashes:
    count, _, _, channels = images.shape
    waves = fft.dctn(_reduced(images), axes=(1, 2), norm="ortho")[:, :KEPT, :KEPT]
    patterns = waves.reshape(count, KEPT * KEPT, channels)[:, 1:]
    gray = patterns @ GRAY if channels == 3 else patterns[..., 0]
    signs = np.zeros((count, KEPT * KEPT), np.bool_)
    signs[:, 1:] = gray > np.median(gray, axis=1, keepdims=True)
    flat = patterns.reshape(count, -1)
    # What rounding leaves of an image of one colour is no structure.
    length = np.linalg.norm(flat, axis=1, keepdims=True)
    flat = np.where(length > 1, flat / np.maximum(length, 1), 0).astype(np.float32)
    return Hashes(np.packbits(signs, axis=1).view(np.uint64)[:, 0], flat)


def _reduced(images: UInt8Array) -> NDArray[np.float32]:
    """Return images of one to two times `SIDE` by means of blocks, what does not fill a block being cut off evenly."""
    height, width = images.shape[1:3]
    down, across = max(1, height // SIDE), max(1, width // SIDE)
    rows, columns = height // down, width // across
    top, left = (height - rows * down) // 2, (width - columns * across) // 2
    cut = images[:, top : top + rows * down, left : left + columns * across]
    # One direction after the other, in whole numbers: a third of the time of a mean over both.
    lines = cut.reshape(len(images), rows, down, columns * across, -1).sum(axis=2, dtype=np.uint32)
    blocks = lines.reshape(len(images), rows, columns, across, images.shape[3]).sum(axis=3)
    reduced: NDArray[np.float32] = blocks.astype(np.float32) / np.float32(down * across)
    return reduced


def near(one: NDArray[np.uint64], other: NDArray[np.uint64], radius: int) -> tuple[IntArray, IntArray]:
    """Return every pair of hashes that differ in at most `radius` bits, as positions in `one` and in `other`.

    All pairs are compared, which is exact. An index by pieces of the hash (Norouzi et al. 2012) would have to look
    into a large share of its buckets at the radius that copies of photos need, a fifth of the bits.
    """
    found: list[tuple[IntArray, IntArray]] = [(np.zeros(0, np.int64), np.zeros(0, np.int64))]
    for start in range(0, len(other), COLUMNS):
        block = other[start : start + COLUMNS]
        for row, bits in enumerate(one):
            hits = np.flatnonzero(np.bitwise_count(block ^ bits) <= radius)
            if len(hits):
                found.append((np.full(len(hits), row, np.int64), hits + start))
    rows, columns = zip(*found, strict=True)
    return np.concatenate(rows), np.concatenate(columns)
