"""The parts of a run, put together from its spec."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.data import augment
from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Batches, Part, TrainBatches, ViewBatches, mix_seed
from bakeoff.data.preprocess import Preprocess
from bakeoff.data.splits import Split
from bakeoff.evaluation.predict import images_at_once
from bakeoff.models import transfer, weights
from bakeoff.models.fitting import shown
from bakeoff.models.library import build
from bakeoff.models.whitening import IMAGES, fit_whitening
from bakeoff.records.run import Deviation
from bakeoff.run.heap import keep_freed_memory
from bakeoff.run.resolve import PlannedRun
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import Recipe
from bakeoff.specs.run import RunSpec
from bakeoff.training.engines import make_ready
from bakeoff.training.features import UNCHANGED, Extraction, FeatureCache, Views, splits_into
from bakeoff.training.precision import Precision
from bakeoff.training.progressive import check_small


@dataclass(frozen=True)
class Parts:
    """What a run trains with. The test images are not among it.

    Attributes:
        model: the whole network.
        trained: what of it goes through the batches: all of it, or the head of a frozen backbone, whose features
            then stand in the parts for images.
        recipe: how to train that.
        train: the training images, or their features.
        val: the validation images, or their features.
        batches: shuffled from the training images, or from cached views of them.
        prepare: makes a batch into the input of what is trained.
        represent: makes any part of the images into what is trained on, as `train` and `val` are.
        precision: the format to compute in.
        cache: of the features; None where a network sees images.
        deviations: found when weights were loaded and features cached.
        proxy: the small network that picks the images to train on, where the recipe has one.
    """

    model: nn.Module
    trained: nn.Module
    recipe: Recipe
    train: Part
    val: Part
    batches: Batches
    prepare: Callable[[Tensor], Tensor]
    represent: Callable[[Part], Part]
    precision: Precision
    cache: FeatureCache | None = None
    deviations: tuple[Deviation, ...] = ()
    proxy: nn.Module | None = None

    def noting(self, deviation: Deviation) -> "Parts":
        """Return the same parts with one more deviation."""
        return replace(self, deviations=(*self.deviations, deviation))


def wire(planned: PlannedRun, images: ImageSet, split: Split, device: torch.device) -> Parts:
    """Return the parts of a resolved run, with a new head that the run's seed draws, on images.

    Torch's default generator is seeded on the way; the caller keeps it from leaking.

    Raises:
        ModelError: the weights do not fit the network.
        SpecError: the network has nothing of what is to be frozen.
    """
    spec = planned.spec
    assert spec.model.image_size is not None, "a resolved spec has a size"
    keep_freed_memory()
    train, val = Part(images, split.train, device), Part(images, split.val, device)
    statistics = train.channel_statistics()
    prepare = Preprocess(
        train.shape, spec.recipe.normalize, statistics, planned.channels, spec.model.image_size, device
    )
    torch.manual_seed(mix_seed(spec.seed, 0))
    model = build(spec.model, images.num_classes, planned.channels, spec.model.image_size)
    check_small(model, planned.channels, spec.model.image_size, spec.recipe)
    deviations = _load_weights(model, planned)
    if planned.weights is None:
        fit_whitening(model, lambda: prepare(next(train.chunks(IMAGES)).images).cpu())
    if proxy := _proxy(spec, images.num_classes, planned.channels):
        fit_whitening(proxy, lambda: prepare(next(train.chunks(IMAGES)).images).cpu())
        proxy = _on(device, make_ready(proxy, spec.recipe.engine))
    transfer.freeze(model, spec.model.freeze)
    model = _on(device, make_ready(model, spec.recipe.engine))
    batches = TrainBatches(train, spec.recipe.batch_size, augment.build(spec.recipe.augment), spec.seed)
    precision = Precision(spec.recipe.amp, device)
    return Parts(
        model, model, spec.recipe, train, val, batches, prepare, lambda part: part, precision, None, deviations, proxy
    )


def _proxy(spec: RunSpec, classes: int, channels: int) -> nn.Module | None:
    """Return the small network that picks images, where the recipe has one."""
    if spec.recipe.hard_examples is None:
        return None
    size = spec.model.image_size
    assert size is not None, "a resolved spec has a size"
    model = build(ModelSpec(name=spec.recipe.hard_examples.proxy), classes, channels, size)
    check_small(model, channels, size, spec.recipe)
    return model


def _on(device: torch.device, model: nn.Module) -> nn.Module:
    moved: nn.Module = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    return moved


def can_cache(spec: RunSpec, model: nn.Module) -> bool:
    """Whether a run may see features in place of images: the backbone is frozen, and every view of an image known."""
    return not _why_not_cached(spec, model)


def _why_not_cached(spec: RunSpec, model: nn.Module) -> str:
    recipe = spec.recipe
    augmentations = augment.build(recipe.augment)
    reasons = {
        "cache_features is false": not recipe.cache_features,
        "the backbone is not frozen": splits_into(model) is None,
        "images are also judged mirrored (tta)": spec.protocol.tta != "none",
        "the augmentation mixes images": any(one.mixes for one in augmentations),
        "a proxy picks the images (hard_examples)": recipe.hard_examples is not None,
        "images are augmented anew in every epoch": bool(augmentations) and not recipe.views,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def with_features(
    parts: Parts,
    spec: RunSpec,
    fingerprint: str,
    folder: Path,
    test_images: int,
    *,
    report: Callable[[Extraction], None],
    stop_requested: Callable[[], bool],
) -> Parts:
    """Return the parts with features in place of images, where that may be and there is room; else as they are.

    Features are computed where they are not in the cache. What a recipe asks for in vain is among the deviations.

    Args:
        parts: of a run.
        spec: of that run.
        fingerprint: of the images.
        folder: of the cache.
        test_images: how many there are, whose features need room as well.
        report: told how far computing is.
        stop_requested: asked between batches.

    Raises:
        DataError: the disk was filled meanwhile.
        InterruptedRunError: `stop_requested` said yes.
    """
    recipe = spec.recipe
    if why := _why_not_cached(spec, parts.model):
        unused = Deviation("recipe.views", str(recipe.views), "0", f"no features are cached: {why}")
        return parts.noting(unused) if recipe.views else parts
    cache, head = _feature_cache(parts, spec, fingerprint, folder, report, stop_requested)
    wanted = _views(recipe)
    if why := cache.room(parts.train, wanted, len(parts.val) + test_images):
        return parts.noting(Deviation("recipe.cache_features", "true", "false", why))
    if recipe.engine == "compile":
        why = "only the head is trained, on cached features, and it is not compiled"
        parts = parts.noting(Deviation("recipe.engine", "compile", "eager", why))
    train, *views = [cache.of(parts.train, augmentations, view) for augmentations, view in wanted]
    return replace(
        parts,
        trained=head,
        recipe=recipe.model_copy(update={"head_epochs": 0, "backbone_lr": 1.0, "layer_decay": 1.0}),
        train=train,
        val=cache.of(parts.val),
        batches=ViewBatches(views or [train], recipe.batch_size, spec.seed),
        prepare=lambda features: features,
        represent=cache.of,
        cache=cache,
    )


def missing_features(parts: Parts, spec: RunSpec, fingerprint: str, folder: Path, test_images: int) -> dict[Path, int]:
    """Return the files of features that a run which can cache them would make, each with the images to go through.

    The test images are locked, so that it is not known which file theirs is: they go with the training images.

    Args:
        parts: of the run.
        spec: of that run.
        fingerprint: of the images.
        folder: of the cache.
        test_images: how many there are.
    """
    cache, _ = _feature_cache(parts, spec, fingerprint, folder, lambda _: None, lambda: False)
    unchanged = dict.fromkeys(cache.missing(parts.train), len(parts.train) + test_images)
    views = dict.fromkeys(cache.missing(parts.train, _views(spec.recipe)), len(parts.train))
    return views | unchanged | dict.fromkeys(cache.missing(parts.val), len(parts.val))


def _views(recipe: Recipe) -> Views:
    """Return which files of the training images' features there are: of the images as they are, and of each view."""
    augmentations = augment.build(recipe.augment)
    return [*UNCHANGED, *((augmentations, view) for view in range(recipe.views if augmentations else 0))]


def _feature_cache(
    parts: Parts,
    spec: RunSpec,
    fingerprint: str,
    folder: Path,
    report: Callable[[Extraction], None],
    stop_requested: Callable[[], bool],
) -> tuple[FeatureCache, nn.Module]:
    """Return the cache of what is frozen of a network, and the head that is not."""
    found = splits_into(parts.model)
    assert found is not None, "asked before"
    assert spec.model.image_size is not None, "a resolved spec has a size"
    cache = FeatureCache(
        folder,
        found[0],
        parts.prepare,
        parts.precision,
        _decides_features(parts, spec, fingerprint),
        chunk=images_at_once(spec.model.image_size),
        report=report,
        stop_requested=stop_requested,
    )
    return cache, found[1]


def _decides_features(parts: Parts, spec: RunSpec, fingerprint: str) -> dict[str, Any]:
    """Return what decides features besides the frozen layers and how they compute, as JSON types."""
    normalize = spec.recipe.normalize
    return {
        "fingerprint": fingerprint,
        "model": spec.model.model_dump(mode="json", include={"name", "options", "tap", "pool", "image_size"}),
        "normalize": [normalize, parts.train.channel_statistics() if normalize == "dataset" else None],
        "versions": {library: version(library) for library in ("torch", "torchvision", "timm")},
    }


def _load_weights(model: nn.Module, planned: PlannedRun) -> tuple[Deviation, ...]:
    spec, located = planned.spec.model, planned.weights
    if located is None:
        return ()
    assert spec.image_size is not None, "a resolved spec has a size"
    loaded = weights.load(model, spec, located, planned.channels, spec.image_size)
    found = []
    if loaded.grayed:
        why = f"the weights are of a network for colour; those of {loaded.grayed} were summed over colours"
        found.append(Deviation("input channels", "3", "1", why))
    if loaded.other_head:
        found.append(Deviation("weights of the head", "those of the file", "random ones", loaded.other_head))
    if not spec.is_backbone:  # which has a new head, and nothing behind its tap, because it is declared so
        if loaded.fresh:
            why = "the file has no weights that fit these layers, which start from random ones"
            found.append(Deviation("weights", "of every layer", f"not of {shown(loaded.fresh)}", why))
        if loaded.left_out:
            why = "the network has no place for these layers of the file"
            found.append(Deviation("weights", "every layer of the file", f"without {shown(loaded.left_out)}", why))
    return tuple(found)
