"""In what two studies or runs differ: their settings, parts, seeds and environments, a sentence each."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from bakeoff.errors import StoreError
from bakeoff.records.run import RunRecord
from bakeoff.specs.base import flat
from bakeoff.specs.protocol import BESIDE
from bakeoff.specs.run import RunSpec
from bakeoff.store.differences import differences
from bakeoff.study.environments import MATTERS
from bakeoff.study.passes import Reader

PARTS = {"train": "training", "val": "validation", "test": "test"}
IMAGES = "data.fingerprint"  # told of the studies
NAMES = ("seed", "fold", "model.label", "recipe.name", "data.name")  # which decide nothing, or are told by themselves


def settings(spec: RunSpec) -> dict[str, Any]:
    """Return what decides the result of a run but its seed, as "room.field" and its value."""
    passed = {*NAMES, *(f"protocol.{field}" for field in BESIDE)}
    if spec.model.weights_sha256:
        passed.add("model.weights")
    return {field: value for field, value in flat(spec.content()).items() if field not in passed and value != {}}


def of_studies(one: Mapping[str, Any], other: Mapping[str, Any], names: tuple[str, str]) -> list[str]:
    """Return in what the data and the protocol of two studies differ, by the contents of their study.json."""
    rooms = [{room: about["identity"].get(room) for room in ("data", "protocol")} for about in (one, other)]
    for room in rooms:
        room["data"] = {key: value for key, value in (room["data"] or {}).items() if key != "fingerprint"}
    found = differences(rooms[0], rooms[1], names=names)
    if one["data"]["fingerprint"] != other["data"]["fingerprint"]:
        first, second = (_images(about) for about in (one, other))
        what = f": {first} {names[0]} and {second} {names[1]}" if first and second else ""
        found.append(f"the images are not the same{what}")
    return found


def _images(about: Mapping[str, Any]) -> str:
    """Return how many images of what size and how many classes a study has; nothing where its file does not say."""
    if not (shape := about["data"].get("shape")):
        return ""
    count, height, width, channels = shape
    size = f"{width}x{height} pixels in {'grey' if channels == 1 else 'colour'}"
    return f"{count:,} of {size} and {len(about['data'].get('class_names', ()))} classes"


def of_models(pairs: Mapping[str, tuple[RunRecord, RunRecord]], names: tuple[str, str]) -> list[str]:
    """Return in what runs differ pair by pair; what holds for every pair is said once, without its name."""
    found = {
        name: differences(_but_images(one), _but_images(other), names=names) for name, (one, other) in pairs.items()
    }
    every = [said for said in next(iter(found.values()), []) if all(said in others for others in found.values())]
    return every + [f"{name}: {said}" for name, differ in found.items() for said in differ if said not in every]


def _but_images(run: RunRecord) -> dict[str, Any]:
    return {field: value for field, value in settings(run.spec).items() if field != IMAGES}


def of_seeds(one: Sequence[RunRecord], other: Sequence[RunRecord], names: tuple[str, str]) -> list[str]:
    """Return the seeds of both where they are not the same."""
    seeds = [sorted({run.spec.seed for run in runs}) for runs in (one, other)]
    if seeds[0] == seeds[1] or not all(seeds):
        return []
    first, second = (", ".join(map(str, side)) for side in seeds)
    return [f"the seeds are {first} {names[0]} and {second} {names[1]}"]


def of_environments(one: Sequence[RunRecord], other: Sequence[RunRecord], names: tuple[str, str]) -> list[str]:
    """Return the versions and the hardware that are not the same; what one of both does not tell is passed over."""
    found = []
    for key, what in MATTERS.items():
        first, second = (
            sorted({run.environment[key] for run in runs if key in run.environment}) for runs in (one, other)
        )
        if first and second and first != second:
            found.append(f"the {what}: {', '.join(first)} {names[0]} and {', '.join(second)} {names[1]}")
    return found


def of_parts(one: tuple[RunRecord, Reader], other: tuple[RunRecord, Reader], names: tuple[str, str]) -> list[str]:
    """Return which parts of the same data set hold other images, and how many; parts that are lost are passed over."""
    found = []
    for part, what in PARTS.items():
        try:
            first, second = (np.unique(read(run, part).indices) for run, read in (one, other))
        except StoreError:
            continue
        shared = len(np.intersect1d(first, second, assume_unique=True))
        if shared < max(len(first), len(second)):
            found.append(
                f"the {what} images are not the same: {len(first):,} {names[0]} and {len(second):,} {names[1]}, "
                f"of which {shared:,} are in both"
            )
    return found
