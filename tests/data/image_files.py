"""Image files for tests, as bytes."""

import io
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image


def encoded(image: Image.Image | NDArray[Any], kind: str = "PNG", **options: Any) -> bytes:
    """Return the bytes of an image file."""
    buffer = io.BytesIO()
    (Image.fromarray(image) if isinstance(image, np.ndarray) else image).save(buffer, kind, **options)
    return buffer.getvalue()


def plain(value: int = 0, width: int = 8, height: int = 8, gray: bool = False) -> bytes:
    """Return a PNG whose pixels all have one value, which tells the images of a test apart."""
    return encoded(np.full((height, width) if gray else (height, width, 3), value, np.uint8))
