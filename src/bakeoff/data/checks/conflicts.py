"""The same image under different labels."""

from collections.abc import Iterator

import numpy as np

from bakeoff.data.checks import MOST_SHOWN, Finding, Parted, plural, register


@register("conflicts", "pixels")
def conflicts(data: Parted) -> Iterator[Finding]:
    """Find images with the same pixels and different classes: one label at least is wrong, or both are right."""
    groups = [group for group in data.identical if len(np.unique(data.images.labels[group])) > 1]
    if groups:
        count = sum(map(len, groups))
        yield Finding(
            "conflicts",
            grave=True,
            count=count,
            what=f"{plural(count, 'image')} with the same pixels as another have another class than it",
            advice="correct the labels or remove the images: no model can have all of them right",
            examples=data.examples(groups),
            groups=tuple(tuple(group.tolist()) for group in groups[:MOST_SHOWN]),
        )
