"""Images of a single colour."""

from collections.abc import Iterator

import numpy as np

from bakeoff.data.checks import MOST_SHOWN, Finding, Parted, plural, register

BLOCK = 1024


@register("blank", "pixels")
def blank(data: Parted) -> Iterator[Finding]:
    """Find images all of whose pixels are the same."""
    pixels = data.images.images
    flat = np.concatenate(
        [
            (block == block[:, :1, :1]).all(axis=(1, 2, 3))
            for block in (pixels[start : start + BLOCK] for start in range(0, len(pixels), BLOCK))
        ]
    )
    found = np.flatnonzero(flat & (data.part_of != "")).tolist()
    if found:
        yield Finding(
            "blank",
            grave=False,
            count=len(found),
            what=f"{plural(len(found), 'image has', 'images have')} a single colour",
            advice="remove them: there is nothing to be seen on them",
            examples=data.examples([index] for index in found),
            groups=tuple((index,) for index in found[:MOST_SHOWN]),
        )
