"""From what was asked for to what will be done: every default written out, every deviation recorded."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch

from bakeoff.data import augment
from bakeoff.data.imageset import ImageSet
from bakeoff.data.preprocess import input_channels
from bakeoff.data.splits import Split
from bakeoff.errors import SpecError, nearest
from bakeoff.models.expectation import Expectation
from bakeoff.models.library import smallest_input
from bakeoff.models.weights import Located
from bakeoff.records.run import Deviation
from bakeoff.specs.base import FieldError
from bakeoff.specs.protocol import Protocol
from bakeoff.specs.recipe import Recipe
from bakeoff.specs.run import RunSpec
from bakeoff.training.engines import resolve_engine
from bakeoff.training.graph import why_not
from bakeoff.training.precision import resolve_amp

DEFAULT = Recipe()


@dataclass(frozen=True)
class PlannedRun:
    """A resolved run, and in what it deviates from what was asked for.

    Attributes:
        spec: of the run.
        deviations: known before it starts.
        channels: of the network's input, 1 or 3.
        weights: that it starts from; None where they are drawn at random.
    """

    spec: RunSpec
    deviations: tuple[Deviation, ...]
    channels: int
    weights: Located | None = None


def resolve(
    asked: RunSpec, images: ImageSet, split: Split, device: torch.device, weights: Located | None = None
) -> PlannedRun:
    """Return the run with nothing left open.

    Args:
        asked: what is to be done.
        images: the data set.
        split: its parts.
        device: to compute on.
        weights: those that the spec's model declares, as `bakeoff.models.weights.locate` finds them.

    Raises:
        SpecError: the batch is larger than the training set, or validation is needed and there is none.
    """
    recipe = asked.recipe
    batch_size, smaller = _batch_size(recipe, len(split.train))
    _check_validation(asked, split)
    expects = weights.expects if weights else None
    normalize, overridden = _normalize(recipe, expects)
    channels, repeated = _channels(images.channels, normalize)
    size, enlarged = _image_size(asked, images, channels, expects)
    assumed = _assumed(asked, weights, size, normalize)
    amp = resolve_amp(recipe.amp, device)
    engine, unrecorded = _engine(recipe.model_copy(update={"amp": amp}), device)
    deviations = (*smaller, *unrecorded, *enlarged, *overridden, *repeated, *assumed, *_given(asked, images))
    content = asked.content()
    content["data"]["fingerprint"] = images.fingerprint
    content["model"] |= {"image_size": size, "weights_sha256": weights.sha256 if weights else ""}
    content["recipe"] |= {
        "augment": [spec.content() for spec in augment.resolve(recipe.augment)],
        "normalize": normalize,
        "amp": amp,
        "engine": engine,
        "batch_size": batch_size,
    }
    return PlannedRun(RunSpec.parse(content), deviations, channels, weights)


def _batch_size(recipe: Recipe, images: int) -> tuple[int, tuple[Deviation, ...]]:
    """Return the images in a batch: as asked for; and all there are, where nobody asked for more than that."""
    if recipe.batch_size <= images:
        return recipe.batch_size, ()
    if recipe.batch_size != DEFAULT.batch_size:
        raise SpecError(
            f"batch_size {recipe.batch_size} is larger than the training set of {images} images; make it "
            "smaller, or train on more images"
        )
    why = "the default is larger than the training set"
    return images, (Deviation("recipe.batch_size", str(recipe.batch_size), str(images), why),)


def _engine(recipe: Recipe, device: torch.device) -> tuple[str, tuple[Deviation, ...]]:
    """Return how steps are computed, and that they cannot be replayed, where that was asked for."""
    engine = resolve_engine(recipe.engine, device)
    if engine != "graph" or not (why := why_not(recipe)):
        return engine, ()
    return "eager", (Deviation("recipe.engine", "graph", "eager", why),)


def _channels(given: int, normalize: str) -> tuple[int, tuple[Deviation, ...]]:
    """Return the channels of the network's input, and that gray images were repeated."""
    channels = input_channels(given, normalize)
    why = f"normalize {normalize} has statistics for each colour; grey images are repeated to three channels"
    return channels, (Deviation("input channels", str(given), str(channels), why),) if channels != given else ()


def _assumed(asked: RunSpec, weights: Located | None, size: int, normalize: str) -> tuple[Deviation, ...]:
    """Record what is guessed of the images that weights were trained on, where their file does not tell."""
    if weights is None or weights.told or (asked.recipe.normalize != "auto" and asked.model.image_size):
        return ()
    like = f"those of what is published for {asked.model.name}" if weights.expects else "those of these images"
    why = f"{weights.path.name} does not say what it expects; assumed are {like}"
    return (Deviation("size and normalize", "as the weights were trained", f"{size} pixels, {normalize}", why),)


def _given(asked: RunSpec, images: ImageSet) -> tuple[Deviation, ...]:
    """Record shares of the protocol that are without effect, because the data set brings such a part of its own."""
    found = []
    for part in ("val", "test"):
        share = getattr(asked.protocol, f"{part}_fraction")
        if part in images.parts and share != Protocol.model_fields[f"{part}_fraction"].default:
            why = f"the data set brings a {part} part of its own"
            found.append(
                Deviation(f"protocol.{part}_fraction", f"{share:g}", f"{len(images.parts[part]):,} images", why)
            )
    return tuple(found)


def _normalize(recipe: Recipe, expects: Expectation | None) -> tuple[str, tuple[Deviation, ...]]:
    """Return how pixels become numbers: as the recipe says, else as the weights expect it."""
    right = expects.normalize if expects else "dataset"
    if recipe.normalize in ("auto", right):
        return right, ()
    if expects is None:
        return recipe.normalize, ()
    why = "the recipe overrides what the weights were trained with"
    return recipe.normalize, (Deviation("recipe.normalize", right, recipe.normalize, why),)


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
            "set val_fraction above 0, or in a study file the recipe's select: last, without early stopping or plateau"
        )


def _image_size(
    asked: RunSpec, images: ImageSet, channels: int, expects: Expectation | None
) -> tuple[int, tuple[Deviation, ...]]:
    """Return the side of the network's square input, at least the smallest that the network takes."""
    right = expects.image_size if expects else images.images.shape[1]
    wanted = asked.model.image_size or right
    size = smallest_input(asked.model, images.num_classes, channels, wanted)
    deviations = []
    if expects and wanted != right:
        why = "the study overrides what the weights were trained with"
        deviations.append(Deviation("model.image_size", str(right), str(wanted), why))
    if size != wanted:
        why = f"{asked.model.name} takes no input of {wanted} pixels; images are enlarged"
        deviations.append(Deviation("model.image_size", str(wanted), str(size), why))
    return size, tuple(deviations)


def override(content: dict[str, Any], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Set dotted fields, such as `recipe.optimizer.lr`, in the nested content of a run, and return it.

    What is set of a field is kept where the field as a whole is set, too, in whatever order.

    Raises:
        FieldError: a field on the way does not exist.
    """
    for path, value in sorted(settings.items(), key=lambda setting: setting[0].count(".")):
        *parents, last = path.split(".")
        place = content
        for parent in parents:
            if isinstance(place.get(parent), str):
                place[parent] = {"name": place[parent]}
            if not isinstance(place.get(parent), dict):
                hint = f"; {parent!r} holds no fields" if parent in place else nearest(parent, place)
                raise FieldError(f"there is no field {path!r} in a run{hint}", [path], value)
            place = place[parent]
        place[last] = value
    return content
