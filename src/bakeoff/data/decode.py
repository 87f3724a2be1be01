"""From an image file to pixels: every mode, depth and orientation that images come in, or a short reason why not.

What is done to an image, so that equal files are equal pixels for every model:

- The EXIF orientation is applied, and of an animation or a file of many pages the first frame is taken.
- Transparency is laid on white, the background on which most pictures with transparency were made to be seen.
- Sixteen bits of gray become eight by division by 257, so that white stays white; nothing is clipped.
- Colour becomes gray by the weights of ITU-R 601 (Pillow's `L`).
"""

from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from bakeoff.data.imageset import UInt8Array
from bakeoff.data.sources import BadImage

T = TypeVar("T")

MAX_PIXELS = 100_000_000  # a decoded image over this is more likely an attack or a mistake than a photo
# Named, because Pillow knows formats as well that start other programs (EPS) or are never photos.
FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "TIFF", "GIF", "PPM", "JPEG2000")
ORIENTATION = 0x0112  # the EXIF tag
UPRIGHT = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
# How files that are often saved under an image's name begin.
IMPOSTORS = {
    b"<": "is a web page or other markup, not an image",
    b"version https://git-lfs": "is a Git LFS pointer; run 'git lfs pull' to fetch the image itself",
}


class UnfitValuesError(ValueError):
    """Pixel values of which it cannot be known what brightness they mean."""


@dataclass(frozen=True)
class Blob:
    """An encoded image: its name for people, and its bytes or the file that holds them."""

    name: str
    data: bytes | Path


@dataclass(frozen=True)
class Header:
    """What is known of an image before it is decoded, as it will be once it is upright."""

    name: str
    width: int
    height: int
    gray: bool


def read_header(blob: Blob) -> Header | BadImage:
    """Return size and colour of an image without decoding it, or what is wrong with it."""
    return _guarded(blob, lambda image: _header(blob.name, image))


def decode(
    blob: Blob, *, gray: bool = False, finish: Callable[[Image.Image], Image.Image] | None = None
) -> UInt8Array | BadImage:
    """Return an image as uint8 of shape (H, W, 1) or (H, W, 3), or what is wrong with it.

    Args:
        blob: the encoded image.
        gray: return one channel instead of three.
        finish: applied to the decoded 8-bit image of mode `L` or `RGB`, such as a `Fit`.
    """

    def pixels(image: Image.Image) -> UInt8Array:
        flat = _flatten(image, gray)
        array = np.asarray(finish(flat) if finish else flat)
        return array[:, :, None] if gray else array

    return _guarded(blob, pixels)


def on_white(pixels: UInt8Array) -> UInt8Array:
    """Return colours of shape (..., C) from pixels of shape (..., C + 1), the last channel being the alpha channel."""
    colour, alpha = pixels[..., :-1].astype(np.uint16), pixels[..., -1:].astype(np.uint16)
    mixed: UInt8Array = ((colour * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return mixed


def bytes_from_floats(values: NDArray[Any]) -> UInt8Array:
    """Return floats as uint8: times 255 when all are in [0, 1], as they are when all are whole and in [0, 255].

    Raises:
        UnfitValuesError: for other values, with their range.
    """
    low, high = float(values.min(initial=0)), float(values.max(initial=0))
    if low >= 0 and high <= 1:
        return np.asarray(np.rint(values * 255), np.uint8)
    if low >= 0 and high <= 255 and np.array_equal(values, np.rint(values)):
        return values.astype(np.uint8)
    raise UnfitValuesError(
        f"has floating-point values from {low:g} to {high:g}; they must lie in [0, 1], or be whole and in [0, 255]"
    )


def _guarded(blob: Blob, use: Callable[[Image.Image], T]) -> T | BadImage:
    try:
        with Image.open(BytesIO(blob.data) if isinstance(blob.data, bytes) else blob.data, formats=FORMATS) as image:
            if image.width * image.height > MAX_PIXELS:
                raise Image.DecompressionBombError
            return use(image)
    except Exception as error:  # Pillow's readers raise almost anything on bytes that are not what they claim to be
        return BadImage(blob.name, _reason(blob, error))


def _reason(blob: Blob, error: Exception) -> str:
    if isinstance(error, OSError) and error.errno is not None:
        return f"cannot be opened ({error.strerror})"
    if isinstance(error, MemoryError):
        return "needs more memory than there is"
    if isinstance(error, Image.DecompressionBombError):
        return f"has more than {MAX_PIXELS // 1_000_000} megapixels, the most that is read; make it smaller"
    start = _start(blob).lstrip(b"\xef\xbb\xbf \t\r\n")
    if not start:
        return "is empty"
    for beginning, reason in IMPOSTORS.items():
        if start.startswith(beginning):
            return reason
    if isinstance(error, UnidentifiedImageError):
        return "is not an image of a known format, or its beginning is damaged"
    if isinstance(error, UnfitValuesError):
        return str(error)
    first_line = str(error).partition("\n")[0][:100] or type(error).__name__
    return f"is damaged ({first_line})"


def _start(blob: Blob) -> bytes:
    if isinstance(blob.data, bytes):
        return blob.data[:64]
    with blob.data.open("rb") as file:
        return file.read(64)


def _header(name: str, image: Image.Image) -> Header:
    width, height = image.size
    # A PNG whose orientation stands behind its pixels would have to be decoded to learn it; a TIFF has applied it.
    if image.format != "TIFF" and (image.format != "PNG" or "exif" in image.info) and _orientation(image) >= 5:
        width, height = height, width
    return Header(name, width, height, image.mode in ("1", "L", "LA", "La", "F") or image.mode.startswith("I"))


def _orientation(image: Image.Image) -> int:
    try:
        return int(image.getexif().get(ORIENTATION, 1))
    except Exception:  # metadata that cannot be read is no reason to lose the pixels
        return 1


def _flatten(image: Image.Image, gray: bool) -> Image.Image:
    """Return an image upright, opaque, with 8 bits, in mode `L` or `RGB`."""
    image.load()
    upright = UPRIGHT.get(_orientation(image))
    flat: Image.Image = image
    if image.mode.startswith("I") or image.mode == "F":
        flat = Image.fromarray(_eight_bits(np.asarray(image)))
    elif image.has_transparency_data:
        straight = image.convert("LA") if image.mode == "La" else image
        flat = Image.fromarray(on_white(np.asarray(straight.convert("RGBA"))))
    if flat.mode not in ("1", "L", "RGB"):  # Lab and others know no direct way to gray
        flat = flat.convert("RGB")
    mode = "L" if gray else "RGB"
    flat = flat if flat.mode == mode else flat.convert(mode)
    return flat if upright is None else flat.transpose(upright)


def _eight_bits(values: NDArray[Any]) -> UInt8Array:
    if values.dtype.kind == "f":
        return bytes_from_floats(values)
    low, high = int(values.min()), int(values.max())
    if values.itemsize > 2 and (low < 0 or high > 65535 or 0 < high < 256):
        raise UnfitValuesError(f"has values from {low} to {high} in 32 bits, whose scale is unknown; save 8 or 16 bits")
    return ((values.astype(np.uint32) + 128) // 257).astype(np.uint8)
