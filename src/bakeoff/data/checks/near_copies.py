"""Test images that are nearly the same as one that is trained on.

Two images are near copies if their perceptual hashes are near and their low frequencies, in colour, are correlated.
Where images are much alike throughout, as digits are, being alike proves nothing: an image whose hash is near those of
many others is passed over, and a data set that is full of such images has no near copies that could be told. In a few
images nothing has many others, so that there it goes by how often hashes are near though the images are not correlated:
it is as often among few images as among many, and copies, also long series of photos, are rarely so. Nor can copies be
told among tiny images.

How good it is was looked at on CIFAR-10, of whose test images Barz & Denzler (2020, Journal of Imaging 6) name about
3 % as having near copies in the training set; see `docs/data.md`.
"""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.checks import MOST_SHOWN, PART_NAMES, Finding, Parted, plural, register
from bakeoff.data.imageset import IntArray
from bakeoff.data.perceptual_hash import LEAST, hashes, near

RADIUS = 12  # bits of 63
ALIKE = 0.93  # correlation
CROWD = 20  # images within the radius of one, above which its hash is no sign of a copy
MOST_CROWDED = 0.1  # share of such images, above which nothing is claimed of a data set
MOST_CHANCE = 1e-3  # share of pairs near by their hashes alone, likewise: 1e-2 in MNIST, 1e-5 in CIFAR-10


@register("near-copies", "pairs")
def near_copies(data: Parted) -> Iterator[Finding]:
    """Find images that judge and have a near copy among those seen before; exact copies are told of elsewhere."""
    if min(data.images.images.shape[1:3]) < LEAST:
        return
    known = hashes(data.images.images)
    for judges, seen in (("test", ("train", "val")), ("val", ("train",))):
        ones, others = data.parts[judges], np.concatenate([data.parts[part] for part in seen])
        rows, columns = near(known.bits[ones], known.bits[others], RADIUS)
        crowd = np.bincount(rows, minlength=len(ones)) > CROWD
        if crowd.sum() > MOST_CROWDED * len(ones):
            yield _undecided(judges, int(crowd.sum()))
            return
        pairs = np.stack([ones[rows], others[columns]])
        alike = known.correlation(*pairs)
        unlike = alike < ALIKE
        if unlike.sum() > max((~unlike).sum(), MOST_CHANCE * len(ones) * len(others)):
            yield _undecided(judges, len(np.unique(rows[unlike])))
            return
        pairs = _best(pairs[:, ~crowd[rows]], alike[~crowd[rows]], data)
        if pairs.shape[1]:
            yield _finding(data, judges, seen, pairs)


def _best(pairs: IntArray, alike: NDArray[np.float32], data: Parted) -> IntArray:
    """Return the nearest copy of each first image that has one, shape (2, P), the most alike pairs first."""
    exact = np.concatenate([*data.identical, np.zeros(0, np.int64)])
    good = (alike >= ALIKE) & ~np.isin(pairs[0], exact)
    pairs, alike = pairs[:, good], alike[good]
    order = np.lexsort((-alike, pairs[0]))
    nearest = order[np.unique(pairs[0][order], return_index=True)[1]]
    return pairs[:, nearest[np.argsort(-alike[nearest], kind="stable")]]


def _finding(data: Parted, judges: str, seen: tuple[str, ...], pairs: IntArray) -> Finding:
    count, name, where = pairs.shape[1], PART_NAMES[judges], " or ".join(PART_NAMES[part] for part in seen)
    groups = tuple((int(one), int(other)) for one, other in pairs.T)
    return Finding(
        "near copies",
        grave=judges == "test",
        count=count,
        what=f"{plural(count, f'{name} image has', f'{name} images have')} a near copy among the {where} images "
        f"({_percent(count / len(data.parts[judges]))} of the {name} images)",
        advice="look at the pairs: where they are right, accuracy is too high, the more for models that learn by"
        " heart; remove copies, and keep series of photos in one part"
        if judges == "test"
        else "look at the pairs: where they are right, the choice of weights favours what was learned by heart",
        examples=data.examples(groups, " ~ "),
        groups=groups[:MOST_SHOWN],
        leaked=tuple(sorted(one for one, _ in groups)) if judges == "test" else (),
    )


def _percent(share: float) -> str:
    """Return a share above 0, which is never written as nothing."""
    return f"{100 * share:.1f} %" if share >= 0.001 else "below 0.1 %"


def _undecided(judges: str, count: int) -> Finding:
    name = PART_NAMES[judges]
    return Finding(
        "near copies",
        grave=False,
        count=count,
        what=f"{plural(count, f'{name} image is', f'{name} images are')} so like others that near copies cannot be"
        " told from images that are merely alike",
        advice="nothing, if you know that no picture was taken twice; exact copies were looked for",
    )
