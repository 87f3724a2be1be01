"""Checks of a data set before anything is trained on it: one file per check, each registering what it finds.

A check is a pure function of images, labels and parts. It tells of what would make a comparison less honest, and
changes nothing. Test images are looked at as pictures here; no model is judged on them.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from functools import cached_property
from hashlib import blake2b
from itertools import islice
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.registry import Registry

PART_NAMES = {"train": "training", "val": "validation", "test": "test"}
MOST_NAMED = 3  # of them, as text
MOST_SHOWN = 60  # images or groups of images that are kept of one finding


@dataclass(frozen=True)
class Finding:
    """Something in a data set that a person should know of.

    Attributes:
        check: the name of the check that found it.
        grave: whether figures of a comparison can be wrong for it; else it is worth a look.
        count: of how many images or classes it is true.
        what: a sentence.
        advice: what to do.
        examples: a few of them, as text.
        groups: indices of images, those that belong together in one group, the worst first; at most `MOST_SHOWN`.
        leaked: indices of all test images of which it is true, where it means that a model may know the answer.
    """

    check: str
    grave: bool
    count: int
    what: str
    advice: str
    examples: tuple[str, ...] = ()
    groups: tuple[tuple[int, ...], ...] = ()
    leaked: tuple[int, ...] = ()

    def content(self) -> dict[str, Any]:
        """Return everything as JSON types."""
        return asdict(self)

    @classmethod
    def parse(cls, content: Mapping[str, Any]) -> Self:
        """Return the finding that has such a content."""
        groups = tuple(tuple(group) for group in content["groups"])
        leaked = tuple(content["leaked"])
        return cls(**{**content, "examples": tuple(content["examples"]), "groups": groups, "leaked": leaked})


@dataclass(frozen=True)
class Parted:
    """A data set and how it is divided.

    Attributes:
        images: all of them.
        parts: the indices of "train", "val" and "test"; an image may be in none.
    """

    images: ImageSet
    parts: Mapping[str, IntArray]

    @cached_property
    def part_of(self) -> NDArray[np.str_]:
        """The part of every image, "" for none, shape (N,)."""
        found = np.full(len(self.images.labels), "", "<U5")
        for part, indices in self.parts.items():
            found[indices] = part
        return found

    @cached_property
    def identical(self) -> list[IntArray]:
        """Groups of two or more images in use whose pixels are the same, byte by byte, by their BLAKE2 hash."""
        groups: dict[bytes, list[int]] = {}
        for index in np.sort(np.concatenate(list(self.parts.values()))):
            image = np.ascontiguousarray(self.images.images[index])
            groups.setdefault(blake2b(image.data, digest_size=16).digest(), []).append(int(index))
        return [np.array(group) for group in groups.values() if len(group) > 1]

    def counts(self, part: str) -> IntArray:
        """Return how many images of each class a part has, shape (K,)."""
        return np.bincount(self.images.labels[self.parts[part]], minlength=self.images.num_classes)

    def call(self, index: int) -> str:
        """Return what to call an image: its part, its file or else its number, and its class."""
        names, known = self.images.names, self.images.provenance.get("path", "")
        name = names[index].removeprefix(f"{known}/") if names else f"{index}"
        return f"{PART_NAMES[str(self.part_of[index])]} {name} ({self.images.class_names[self.images.labels[index]]})"

    def examples(self, groups: Iterable[Iterable[int]], joint: str = " = ") -> tuple[str, ...]:
        """Return the first groups of images as text."""
        return tuple(joint.join(map(self.call, group)) for group in islice(groups, MOST_NAMED))


@dataclass(frozen=True)
class Check:
    """A check, and what its cost grows with: classes, the pixels of all images, or pairs of images."""

    find: Callable[[Parted], Iterable[Finding]]
    grows_with: Literal["classes", "pixels", "pairs"]


checks: Registry[Check] = Registry("check", __name__)


def register(name: str, grows_with: Literal["classes", "pixels", "pairs"]) -> Callable[..., Any]:
    """Return a decorator that registers a function as the check of that name."""

    def add(find: Callable[[Parted], Iterable[Finding]]) -> Callable[[Parted], Iterable[Finding]]:
        checks.register(name)(Check(find, grows_with))
        return find

    return add


def plural(count: int, noun: str, several: str = "") -> str:
    """Return a number with its noun: 1 image, 2 images."""
    return f"{count:,} {noun if count == 1 else several or noun + 's'}"
