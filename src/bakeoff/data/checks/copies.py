"""The same image more than once."""

from collections.abc import Iterator

import numpy as np

from bakeoff.data.checks import MOST_SHOWN, PART_NAMES, Finding, Parted, plural, register
from bakeoff.data.imageset import IntArray


@register("copies", "pixels")
def copies(data: Parted) -> Iterator[Finding]:
    """Find images with the same pixels: in a part that judges and one that was seen before, and within a part."""
    for judges, seen in (("test", ("train", "val")), ("val", ("train",))):
        groups = [g for g in data.identical if _has(data, g, (judges,)) and _has(data, g, seen)]
        if groups:
            found = np.concatenate([group[data.part_of[group] == judges] for group in groups])
            count = len(found)
            name, where = PART_NAMES[judges], " or ".join(PART_NAMES[part] for part in seen)
            yield Finding(
                "copies",
                grave=judges == "test",
                count=count,
                what=f"{plural(count, f'{name} image is', f'{name} images are')} also among the {where} images, pixel"
                " by pixel",
                advice=f"remove them from the {name} part: a model that has seen them knows the answer",
                examples=data.examples(groups),
                groups=tuple(tuple(group.tolist()) for group in groups[:MOST_SHOWN]),
                leaked=tuple(sorted(found.tolist())) if judges == "test" else (),
            )
    for part, name in PART_NAMES.items():
        groups = [inside for g in data.identical if len(inside := g[data.part_of[g] == part]) > 1]
        if groups:
            count = sum(len(group) - 1 for group in groups)
            weigh = "weigh more in every figure" if part == "test" else "are trained on more often than others"
            yield Finding(
                "copies",
                grave=False,
                count=count,
                what=f"{plural(count, f'{name} image is a copy', f'{name} images are copies')} of another {name} image",
                advice=f"keep one of each: copies {weigh if part != 'val' else 'weigh more in the choice of weights'}",
                examples=data.examples(groups),
                groups=tuple(tuple(group.tolist()) for group in groups[:MOST_SHOWN]),
            )


def _has(data: Parted, group: IntArray, parts: tuple[str, ...]) -> bool:
    return bool(np.isin(data.part_of[group], parts).any())
