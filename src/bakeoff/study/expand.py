"""From a study to its runs."""

import fnmatch
import itertools
import math
from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from typing import Any

from bakeoff.errors import SpecError, UnknownNameError
from bakeoff.models.library import expand as expand_names
from bakeoff.run.resolve import override
from bakeoff.specs.base import FieldError, as_written
from bakeoff.specs.library import DEFAULT, find_recipe, recipe_for, resolve_model, systems
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import NO_END, Recipe
from bakeoff.specs.run import RunSpec
from bakeoff.specs.study import StudySpec

MOST_RUNS = 100_000  # of a model
# Fields outside of model and recipe that runs of one study may differ in: they are judged on the same test images.
OF_A_RUN = ("data.max_train", "protocol.val_fraction", "protocol.tta")


def expand(study: StudySpec) -> list[RunSpec]:
    """Return every run of a study, seed by seed, so that a study that is cut short has compared all models once.

    Under cross-validation every seed has a run for each fold.

    Raises:
        SpecError: a field of the overrides or of the grid does not exist, or has a wrong value.
        UnknownNameError: a model or recipe that there is not.
    """
    _check_size(study)
    _check_settings(study)
    _check_conflicts(study)
    variants = [
        (model, recipe, settings)
        for name, model in _models(study)
        for recipe in _recipes(study, model.label, name)
        for settings in _grid(study)
    ]
    folds = range(1, study.protocol.folds + 1) if study.protocol.folds else (None,)
    runs = [_run(study, *variant, seed, fold) for seed in study.seeds for fold in folds for variant in variants]
    _check_names(runs)
    runs = _picked(study, runs)
    _check_different(runs)
    return runs


def _picked(study: StudySpec, runs: list[RunSpec]) -> list[RunSpec]:
    """Return the runs of the variants that are asked for."""
    known = {(run.model.title, run.recipe.name) for run in runs}
    for title, name in study.only.items():
        if (title, name) not in known:
            raise SpecError(f"only: no model {title!r} has a recipe {name!r} here; give titles and names of variants")
    return [run for run in runs if study.only.get(run.model.title, run.recipe.name) == run.recipe.name]


def _models(study: StudySpec) -> Iterator[tuple[str, ModelSpec]]:
    """Yield every model with the name that it was asked for by."""
    seen: list[ModelSpec] = []  # two patterns may name the same network
    for model in study.models:
        for name in _names(model.name):
            found = resolve_model(model.model_copy(update={"name": name}))
            if found not in seen:
                seen.append(found)
                yield name, found


def _names(pattern: str) -> list[str]:
    """Return the networks that fit a name or pattern; where none does, the systems of the library."""
    if pattern in systems():
        return [pattern]
    try:
        return expand_names(pattern)
    except UnknownNameError:
        if fitting := fnmatch.filter(systems(), pattern):
            return fitting
        if close := get_close_matches(pattern, systems(), cutoff=0.8):
            raise UnknownNameError("model", pattern, close) from None
        raise


def _recipes(study: StudySpec, *names: str) -> list[Recipe]:
    if study.protocol.mode == "same-recipe":
        return list(study.recipes) or [find_recipe(DEFAULT)]
    if study.recipes:
        raise SpecError(f"mode {study.protocol.mode!r} trains each model with its own recipe; leave out the recipes")
    return [recipe_for(*names)]


def _check_size(study: StudySpec) -> None:
    """Refuse a grid that is a slip: to write down all that it stands for would take hours, or all memory."""
    runs = math.prod(map(len, study.grid.values())) * len(study.seeds) * (study.protocol.folds or 1)
    if runs > MOST_RUNS:
        raise SpecError(f"grid, seeds and folds make {runs:,} runs of a model, {MOST_RUNS:,} at most; give fewer")


def _check_settings(study: StudySpec) -> None:
    """Refuse settings of single runs that would leave nothing to compare."""
    for where, settings in (("grid", study.grid), ("overrides", study.overrides)):
        for path, value in settings.items():
            part = path.partition(".")[0]
            if part in ("model", "recipe") or (where == "grid" and path in OF_A_RUN):
                continue
            if part in ("data", "protocol"):
                wanted = f"set it in the study's {part}, for every run alike"
            elif part in ("seed", "fold"):
                wanted = "set seeds, or folds in the protocol"
            else:
                continue
            raise FieldError(f"{path} is no setting of a single run: {wanted}", [where, path], value)


def _check_conflicts(study: StudySpec) -> None:
    """Refuse settings of which another one would leave nothing, without a word."""
    for where, settings in (("grid", study.grid), ("overrides", study.overrides)):
        for path, value in settings.items():
            if path in _budget(study):
                raise FieldError(
                    f"{path}: is set by the budget for every model; leave out one of both", [where, path], value
                )
            over = [wide for wide in study.grid if f"{path}.".startswith(f"{wide}.")]
            if where == "overrides" and over:
                why = f"is set for every run, and the grid tries values of {over[0]}; leave it out, or set it in these"
                raise FieldError(f"{path}: {why}", [where, path], value)


def _grid(study: StudySpec) -> Iterator[dict[str, Any]]:
    for values in itertools.product(*study.grid.values()):
        yield dict(zip(study.grid, values, strict=True))


def _run(
    study: StudySpec, model: ModelSpec, recipe: Recipe, settings: Mapping[str, Any], seed: int, fold: int | None
) -> RunSpec:
    content: dict[str, Any] = {
        "data": study.data.content(),
        "model": model.content(),
        "recipe": recipe.content(),
        "protocol": study.protocol.content(),
        "seed": seed,
        "fold": fold,
    }
    try:
        return _overridden(content, study, recipe, settings)
    except FieldError as error:
        raise _at_setting(error, study, settings) from None


def _overridden(content: dict[str, Any], study: StudySpec, recipe: Recipe, settings: Mapping[str, Any]) -> RunSpec:
    override(content, {**_budget(study), **study.overrides, **settings})
    epochs = content["recipe"]["epochs"]
    if isinstance(epochs, int) and epochs != recipe.epochs:  # fewer than its recipe has, for a quick look
        content["recipe"]["head_epochs"] = min(content["recipe"]["head_epochs"], max(0, epochs - 1))
    if settings:
        content["recipe"]["name"] = f"{recipe.name} ({_label(settings)})"
    return RunSpec.parse(content)


def _label(settings: Mapping[str, Any]) -> str:
    """Return settings as tables call them: with as few of the last fields as tell them apart, such as `lr=0.1`."""
    fields = {path: path.split(".") for path in settings}
    for path, parts in fields.items():
        others = [other for of, other in fields.items() if of != path]
        least = next(n for n in range(1, len(parts) + 1) if all(other[-n:] != parts[-n:] for other in others))
        fields[path] = parts[-least:]
    return ", ".join(f"{'.'.join(fields[path])}={as_written(value)}" for path, value in settings.items())


def _at_setting(error: FieldError, study: StudySpec, settings: Mapping[str, Any]) -> FieldError:
    """Return an error with the path, in the study, of the setting that it comes from."""
    for path in (*settings, *study.overrides):
        value = settings.get(path, study.overrides.get(path))
        fields, wrong = path.split("."), ".".join(error.path).split(".")
        if wrong[: len(fields)] == fields:
            place = ["grid", path, str(study.grid[path].index(value))] if path in settings else ["overrides", path]
            return FieldError(str(error), [*place, *wrong[len(fields) :]], error.value)
    return error


def _budget(study: StudySpec) -> dict[str, Any]:
    """Return the recipe's fields that the protocol's budget sets for every model."""
    budget = study.protocol.budget
    if budget is None:
        return {}
    if budget.epochs:
        return {"recipe.epochs": budget.epochs}
    # The schedule follows the steps or the seconds, so that the number of epochs must only be large enough.
    limit = {"recipe.max_steps": budget.steps} if budget.steps else {"recipe.max_seconds": budget.seconds}
    return {"recipe.epochs": NO_END, **limit}


def _check_names(runs: list[RunSpec]) -> None:
    """Refuse two trainings of one name: tables could not tell them apart."""
    seen: dict[tuple[str, str, str], RunSpec] = {}
    for run in runs:
        other = seen.setdefault((run.model.title, run.recipe.name, run.turn), run)
        if other.run_id != run.run_id:
            field = "a label to each of the models" if other.model != run.model else "a name to each of the recipes"
            raise SpecError(
                f"{run.model.title!r} with the recipe {run.recipe.name!r} is declared twice with different settings; "
                f"give {field}"
            )


def _check_different(runs: list[RunSpec]) -> None:
    """Refuse what would train a model twice in the same way."""
    seen: dict[str, RunSpec] = {}
    for run in runs:
        if (other := seen.setdefault(run.run_id, run)) is not run:
            one, two = (f"{each.model.title} with {each.recipe.name}" for each in (other, run))
            what = f"{one!r} stands twice" if one == two else f"{one!r} and {two!r} train in the same way"
            raise SpecError(f"{what}; leave one out")
