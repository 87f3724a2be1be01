"""Classes with too few images, or with many more than others."""

from collections.abc import Iterator

import numpy as np

from bakeoff.data.checks import PART_NAMES, Finding, Parted, plural, register

UNEVEN = 3.0  # times as many images in the largest class as in the smallest
FEW = {"train": 10, "test": 10}  # images of a class, below which a part says little of it


@register("balance", "classes")
def balance(data: Parted) -> Iterator[Finding]:
    """Find classes that a part lacks, classes with few images, and uneven ones."""
    names = data.images.class_names
    for part, name in PART_NAMES.items():
        if not len(data.parts[part]):
            continue
        counts = data.counts(part)
        if (empty := counts == 0).any():
            yield Finding(
                "balance",
                grave=part != "val",
                count=int(empty.sum()),
                what=f"{plural(int(empty.sum()), 'class has', 'classes have')} no {name} image",
                advice="nothing can be said of these classes; add images or leave the classes out"
                if part == "test"
                else "add images, or leave the classes out",
                examples=tuple(names[k] for k in np.flatnonzero(empty)[:5]),
            )
        few = (counts > 0) & (counts < FEW.get(part, 0))
        if few.any():
            yield Finding(
                "balance",
                grave=False,
                count=int(few.sum()),
                what=f"{plural(int(few.sum()), 'class has', 'classes have')} fewer than {FEW[part]} {name} images",
                advice="do not read figures of these classes alone",
                examples=tuple(f"{names[k]} ({counts[k]})" for k in np.flatnonzero(few)[:5]),
            )
    counts = data.counts("train")
    if 0 < UNEVEN * counts.min() <= counts.max():
        low, high = int(counts.argmin()), int(counts.argmax())
        yield Finding(
            "balance",
            grave=False,
            count=len(names),
            what=f"the largest class has {counts[high] / counts[low]:.1f} times the training images of the smallest",
            advice="accuracy is mostly that of the large classes; look at macro F1 and at single classes",
            examples=(f"{names[high]} ({counts[high]:,})", f"{names[low]} ({counts[low]:,})"),
        )
