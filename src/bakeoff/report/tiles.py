"""Images small enough to stand within a page."""

import base64
from dataclasses import dataclass
from io import BytesIO

import numpy as np
from PIL import Image

from bakeoff.data.imageset import UInt8Array

LARGEST_SIDE = 96  # pixels; larger images are made smaller
LOSSLESS_SIDE = 48  # up to which every pixel is kept as it is
QUALITY = 80  # of JPEG, for the others


@dataclass(frozen=True)
class Tile:
    """An image as a data URI, with its size in pixels."""

    uri: str
    width: int
    height: int

    @property
    def is_small(self) -> bool:
        """Whether its pixels are to be seen as squares."""
        return max(self.width, self.height) <= LOSSLESS_SIDE


def tile(image: UInt8Array) -> Tile:
    """Return an image (H, W, C) as a tile."""
    picture = Image.fromarray(np.ascontiguousarray(image[..., 0] if image.shape[2] == 1 else image))
    picture.thumbnail((LARGEST_SIDE, LARGEST_SIDE), Image.Resampling.LANCZOS)
    lossless = max(picture.size) <= LOSSLESS_SIDE
    buffer = BytesIO()
    if lossless:
        picture.save(buffer, "PNG", optimize=True)
    else:
        picture.save(buffer, "JPEG", quality=QUALITY)
    kind = "png" if lossless else "jpeg"
    uri = f"data:image/{kind};base64,{base64.b64encode(buffer.getvalue()).decode()}"
    return Tile(uri, *picture.size)
