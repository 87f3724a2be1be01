"""From the name of a data set to its images in memory."""

from collections.abc import Mapping
from dataclasses import replace
from difflib import get_close_matches
from pathlib import Path

import numpy as np

from bakeoff.data.cache import decoded
from bakeoff.data.imageset import ImageSet, IntArray, only_classes
from bakeoff.data.locations import Locations
from bakeoff.data.sources import Listing, Source, sources
from bakeoff.data.sources.folder import from_folder
from bakeoff.data.sources.hub import from_hub
from bakeoff.data.sources.npz import from_npz
from bakeoff.errors import DataError, UnknownNameError
from bakeoff.hub import is_address
from bakeoff.specs.data import DataSpec


def unreadable(spec: DataSpec, where: Locations) -> list[dict[str, str]]:
    """Return `name` and `reason` of every image of a data set that cannot be read, in their order.

    Raises:
        DataError: not one can be read, or the cache cannot be used; and what a source raises.
    """
    skipping = spec.model_copy(update={"skip_bad": True})
    found: list[dict[str, str]] = decoded(find_source(spec.name)(spec, where), skipping, where.cache).provenance[
        "skipped"
    ]
    return found


def load(spec: DataSpec, where: Locations) -> ImageSet:
    """Return the images of a data set, decoded once and mapped from the cache thereafter.

    A registered name comes first, then a folder, then an .npz file, then the hub; `./cifar10` is always the folder.

    Args:
        spec: the data set. Where it has a fingerprint already, the images must be the ones that it was taken from.
        where: places to look in.

    Raises:
        UnknownNameError: the name is none of these.
        OfflineError: the images must be downloaded, and that was refused or failed.
        DataError: the images are missing, unreadable, not fit for a comparison, or not those of the fingerprint.
    """
    listing = find_source(spec.name)(spec, where)
    _check(spec.name, listing.labels, listing.class_names, listing.parts)
    images = _with_listing(decoded(listing, spec, where.cache), listing)
    if spec.classes:
        images = only_classes(images, spec.classes)
    skipped = len(images.provenance["skipped"])
    rest = f"{spec.name}, without the {skipped} unreadable images" if skipped else spec.name
    _check(rest, images.labels, images.class_names, images.parts)
    if spec.fingerprint and spec.fingerprint != images.fingerprint:
        raise DataError(
            f"{spec.name}: the images have the fingerprint {images.fingerprint[:12]}... and not the spec's"
            f" {spec.fingerprint[:12]}...; bring back the files it was made with, or start a new comparison"
        )
    return images


def _with_listing(images: ImageSet, listing: Listing) -> ImageSet:
    """Return images from the cache with what the source has just seen of them."""
    skipped = {image["name"] for image in images.provenance["skipped"]}
    names = tuple(name for name in listing.names if name not in skipped)
    return replace(images, provenance={**images.provenance, **listing.provenance}, names=names)


def find_source(name: str) -> Source:
    """Return what reads the data set of that name.

    Raises:
        DataError: the name is that of a path, and there is nothing of ours; with the nearest names that exist.
        UnknownNameError: it is no path either, with the nearest names.
    """
    if name in sources:
        return sources.get(name)
    path = Path(name).expanduser()
    if path.is_dir():
        return from_folder
    if path.suffix.lower() == ".npz" and path.exists():
        return from_npz
    if path.exists():
        raise DataError(f"{name}: is neither a folder nor an .npz file; unpack it, or name the folder it belongs to")
    # owner/name may be on the hub, unless its first half is a folder here.
    if is_address(name) and path.suffix.lower() != ".npz" and not (name.startswith(".") or path.parent.is_dir()):
        return from_hub
    if path.suffix.lower() == ".npz" or name.startswith((".", "~")) or "/" in name or "\\" in name:
        raise DataError(f"{name}: no such file or folder{_beside(path)}")
    raise UnknownNameError("data set", name, [*sources, *_near(path)])


def _beside(path: Path) -> str:
    """Return a suffix for a message: what there is where a path breaks off."""
    missing = path
    while not missing.parent.is_dir():
        missing = missing.parent
    near = " or ".join(str(missing.with_name(name)) for name in _near(missing))
    return f"; did you mean {near}?" if near else f"; there is no {missing.name} in {missing.parent.resolve()}"


def _near(path: Path) -> list[str]:
    """Return the names beside a path that are like its own."""
    try:
        return get_close_matches(path.name, [beside.name for beside in path.parent.iterdir()], cutoff=0.6)
    except OSError:
        return []


def _check(name: str, labels: IntArray, class_names: tuple[str, ...], parts: Mapping[str, IntArray]) -> None:
    if len(class_names) < 2:
        raise DataError(
            f"{name}: has only the class {', '.join(class_names) or 'of no images'}; a comparison needs two"
        )
    if len(set(class_names)) < len(class_names):
        twice = next(label for label in class_names if class_names.count(label) > 1)
        raise DataError(f"{name}: two classes have the name {twice!r}; give each its own")
    beyond = labels[(labels < 0) | (labels >= len(class_names))]
    if len(beyond):
        raise DataError(f"{name}: the label {beyond[0]} is not among the {len(class_names)} classes")
    counts = np.bincount(labels[parts["train"]], minlength=len(class_names))
    if without := [label for label, count in zip(class_names, counts, strict=True) if count == 0]:
        raise DataError(f"{name}: the class {without[0]!r} has no training images; add some, or remove the class")
    for part, indices in parts.items():
        if len(indices) == 0:
            raise DataError(f"{name}: the {part} part has no images; add some, or remove the part")
