"""Images of a single colour."""

from collections.abc import Iterator

import numpy as np

from bakeoff.data.checks import MOST_SHOWN, Finding, Parted, plural, register

SPARSE = 8  # pixels between those that are looked at first


@register("blank", "pixels")
def blank(data: Parted) -> Iterator[Finding]:
    """Find images all of whose pixels are the same."""
    pixels = data.images.images
    corner = pixels[:, :1, :1]
    maybe = np.flatnonzero((pixels[:, ::SPARSE, ::SPARSE] == corner).all(axis=(1, 2, 3)) & (data.part_of != ""))
    found = [int(index) for index in maybe if (pixels[index] == corner[index]).all()]
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
