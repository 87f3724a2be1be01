"""From what was asked for to what will be done: every default written out, every deviation recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from bakeoff.data import augment
from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import Split
from bakeoff.errors import SpecError
from bakeoff.models.library import smallest_input
from bakeoff.records.run import Deviation
from bakeoff.specs.run import RunSpec
from bakeoff.training.precision import resolve_amp


@dataclass(frozen=True)
class PlannedRun:
    """A resolved run, and in what it deviates from what was asked for."""

    spec: RunSpec
    deviations: tuple[Deviation, ...]


def resolve(asked: RunSpec, images: ImageSet, split: Split, device: torch.device) -> PlannedRun:
    """Return the run with nothing left open.

    Raises:
        SpecError: the batch is larger than the training set, or validation is needed and there is none.
    """
    recipe = asked.recipe
    if recipe.batch_size > len(split.train):
        raise SpecError(
            f"batch_size {recipe.batch_size} is larger than the training set of {len(split.train)} images; "
            "make it smaller"
        )
    _check_validation(asked, split)
    size, deviations = _image_size(asked, images)
    content = asked.content()
    content["data"]["fingerprint"] = images.fingerprint
    content["model"]["image_size"] = size
    content["recipe"] |= {
        "augment": [spec.content() for spec in augment.resolve(recipe.augment)],
        "normalize": "dataset" if recipe.normalize == "auto" else recipe.normalize,
        "amp": resolve_amp(recipe.amp, device),
    }
    return PlannedRun(RunSpec.parse(content), deviations)


def _check_validation(asked: RunSpec, split: Split) -> None:
    if len(split.val):
        return
    recipe = asked.recipe
    needs = [
        name
        for name, needed in (
            ("early_stopping", recipe.early_stopping is not None),
            ("schedule plateau", recipe.schedule.name == "plateau"),
            ("select best", recipe.select == "best"),
        )
        if needed
    ]
    if needs:
        raise SpecError(
            f"the recipe {recipe.name!r} has {' and '.join(needs)}, and there are no validation images; "
            "set val_fraction above 0, or select: last without early stopping or plateau"
        )


def _image_size(asked: RunSpec, images: ImageSet) -> tuple[int, tuple[Deviation, ...]]:
    """Return the side of the network's square input, at least the smallest that the network takes."""
    height, width = images.images.shape[1:3]
    wanted = asked.model.image_size or max(height, width)
    size = smallest_input(asked.model, images.num_classes, images.channels, wanted)
    deviations = []
    if size != wanted:
        why = f"{asked.model.name} takes no input of {wanted} pixels; images are enlarged"
        deviations.append(Deviation("model.image_size", str(wanted), str(size), why))
    if height != width:
        why = "networks take square images; the sides are scaled by different factors"
        deviations.append(Deviation("aspect ratio", f"{width}x{height}", f"{size}x{size}", why))
    return size, tuple(deviations)


def override(content: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Set dotted fields, such as `recipe.optimizer.lr`, in the nested content of a run, and return it.

    Raises:
        SpecError: a field on the way does not exist.
    """
    for path, value in settings.items():
        *parents, last = path.split(".")
        place = content
        for parent in parents:
            if isinstance(place.get(parent), str):
                place[parent] = {"name": place[parent]}
            if not isinstance(place.get(parent), dict):
                raise SpecError(f"there is no field {path!r} in a run; {parent!r} holds no fields")
            place = place[parent]
        place[last] = value
    return content
