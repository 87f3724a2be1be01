"""From the arguments of a comparison to the study that they mean."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bakeoff.errors import SpecError
from bakeoff.specs.base import shown
from bakeoff.specs.files import read_study
from bakeoff.specs.library import resolve_recipe
from bakeoff.specs.study import StudySpec


def declare(
    data: str | Path | Mapping[str, Any] | None = None,
    models: str | Sequence[str | Mapping[str, Any]] | None = None,
    *,
    config: str | Path | None = None,
    recipe: str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]] | None = None,
    mode: str | None = None,
    budget: Mapping[str, float] | None = None,
    seeds: int | Sequence[int] | None = None,
    epochs: int | None = None,
    batch_size: int | None = None,
    imgsz: int | None = None,
    lr: float | None = None,
    optimizer: str | None = None,
    patience: int | None = None,
    folds: int | None = None,
    val_fraction: float | None = None,
    amp: str | None = None,
    engine: str | None = None,
    skip_bad: bool | None = None,
    max_train: int | None = None,
    deterministic: bool | None = None,
    robustness: bool | None = None,
    target_accuracy: float | None = None,
    grid: Mapping[str, Sequence[Any]] | None = None,
) -> StudySpec:
    """Return the study that these arguments mean.

    Args:
        data: the name of a data set, a folder of images, an .npz file, or owner/name on the hub; or the fields of a
            `DataSpec`.
        models: names or patterns, in a list or joined by commas; in a list also the fields of a `ModelSpec`.
        config: a study file to start from, of which the other arguments change single fields.
        recipe: a name from the library, a mapping of fields (with `base` to start from a name), or several.
        mode: same-recipe (the default), own-recipe or budget; see `bakeoff.specs.protocol.Protocol`.
        budget: one of epochs, steps and seconds for every model; it means the mode budget.
        seeds: how many (3 unless given), or which.
        epochs: overrides every recipe's, as do `batch_size`, `lr`, `optimizer`, `patience` (of early stopping),
            `amp` and `engine`.
        imgsz: side of the networks' input in pixels, and of photos that are decoded.
        folds: cross-validation: every image is a test image in one of so many folds, dealt anew for each seed. For
            small data sets without a test set.
        val_fraction: share of the training images held out for validation.
        skip_bad: leave out unreadable images instead of stopping.
        max_train: train on so many images.
        deterministic: let a GPU compute the same bits every time, more slowly; a run with an operation that cannot do
            so fails, and says which.
        robustness: also judge the final weights on corrupted test images.
        target_accuracy: report how long each model took to this validation accuracy.
        grid: dotted fields of a run and the values to try; every combination is compared.

    Raises:
        SpecError: a field that there is not, or a value that it cannot have.
        UnknownNameError: a recipe that there is not.
    """
    recipes = None if recipe is None else [recipe] if isinstance(recipe, str | Mapping) else list(recipe)
    overrides = {
        "recipe.optimizer": None if optimizer is None else {"name": optimizer},
        "recipe.optimizer.lr": lr,
        "recipe.epochs": epochs,
        "recipe.batch_size": batch_size,
        "recipe.early_stopping": patience,
        "recipe.amp": amp,
        "recipe.engine": engine,
        "model.image_size": imgsz,
    }
    mode = "budget" if budget and mode is None else mode
    given = {
        "data": data_fields(data) | without_none(image_size=imgsz, skip_bad=skip_bad, max_train=max_train),
        "models": [name.strip() for name in models.split(",")] if isinstance(models, str) else models,
        "recipes": recipes,
        "protocol": without_none(
            mode=mode,
            budget=budget,
            folds=folds,
            val_fraction=val_fraction,
            deterministic=deterministic,
            robustness=robustness,
            target_accuracy=target_accuracy,
        ),
        "seeds": seeds,
        "overrides": without_none(**overrides),
        "grid": grid,
    }
    stated = {field: value for field, value in given.items() if value is not None and value != {}}
    return _parsed(stated) if config is None else read_study(Path(config), stated)


def _parsed(stated: dict[str, Any]) -> StudySpec:
    """Return the study of these fields, without a file."""
    if "recipes" in stated:
        stated["recipes"] = [resolve_recipe(one) for one in stated["recipes"]]
    return StudySpec.parse(stated)


def data_fields(data: str | Path | Mapping[str, Any] | None) -> dict[str, Any]:
    """Return the fields of a `DataSpec` that is given as a name or a path; raise `SpecError` for anything else."""
    if data is None or isinstance(data, Mapping):
        return dict(data or {})
    if not isinstance(data, str | Path):
        raise SpecError(f"data is a name, a path or a mapping of fields; got {shown(data)}")
    return {"name": str(data)}


def without_none(**fields: Any) -> dict[str, Any]:
    """Return the fields that were stated."""
    return {field: value for field, value in fields.items() if value is not None}
