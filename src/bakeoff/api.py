"""Bakeoff from Python: compare, reproduce, and load what was compared."""

import inspect
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import durable
from bakeoff.data.locations import Locations
from bakeoff.errors import SpecError, nearest
from bakeoff.records.run import RunRecord
from bakeoff.run.device import find_device
from bakeoff.specs.files import read_study
from bakeoff.specs.library import resolve_recipe
from bakeoff.specs.study import StudySpec
from bakeoff.store.database import Store
from bakeoff.store.folder import Predictions, RunFolder, StudyFolder
from bakeoff.study.execute import Observer, Outcome, execute
from bakeoff.study.judgement import Judgement, RightAnswers, judge_answers, read_answers
from bakeoff.study.leaderboard import leaderboard
from bakeoff.study.plan import Plan, make_plan
from bakeoff.study.reproduce import Reproduction, folder_name, study_of
from bakeoff.study.variants import variants

if TYPE_CHECKING:
    import pandas as pd

REPRODUCED = Path("runs") / "reproduce"


class Result:
    """A study and its runs, read from its folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = StudyFolder(folder)
        about = self.folder.read()
        self.about: Mapping[str, Any] = about
        store = Store(about["database"] or self.folder.database_url, about["study_id"])
        try:
            self.runs: tuple[RunRecord, ...] = tuple(store.records())
            self.events = store.events()
        finally:
            store.close()

    def leaderboard(self) -> "pd.DataFrame":
        """Return one row per model and recipe, the best first; see `bakeoff.study.leaderboard`."""
        target = self.about["study"]["protocol"].get("target_accuracy")
        return leaderboard(variants(self.runs), self._judgement.verdict, target)

    def judgement(self) -> Judgement:
        """Return what the runs prove: intervals, tests of all pairs, tied groups; see `docs/evidence.md`.

        Where there is no verdict, such as when nothing has finished, it says why.
        """
        return self._judgement

    @cached_property
    def _judgement(self) -> Judgement:
        return judge_answers(self.answers())

    def answers(self) -> RightAnswers:
        """Return which finished run was right on which test image."""
        return read_answers({variant.name: variant.records for variant in variants(self.runs)}, self.predictions)

    def predictions(self, run: RunRecord, part: str = "test") -> Predictions:
        """Return the logits, labels and image indices of a finished run on one part of the data."""
        return self.run_folder(run).predictions(part)

    def run_folder(self, run: RunRecord) -> RunFolder:
        """Return the folder of a run, with its weights."""
        return self.folder.run(run.spec, run.run_id)

    def report(self, path: str | Path | None = None) -> Path:
        """Write the report, one HTML file that works offline, and return its path: `report.html` in the folder.

        Args:
            path: another file to write to.

        Raises:
            StoreError: the file cannot be written.
        """
        from bakeoff.report.html import write
        from bakeoff.report.subject import Subject

        to = Path(path) if path else self.folder.path / "report.html"
        subject = Subject(
            self.about, self.runs, tuple(self.events), self.predictions, lambda run: self.run_folder(run).maps()
        )
        write(subject.with_images(), to)
        return to

    def __repr__(self) -> str:
        return f"Result({str(self.folder.path)!r}, {len(self.runs)} runs)"


def load(folder: str | Path) -> Result:
    """Return the study in a folder; raise `StoreError` where there is none."""
    return Result(Path(folder))


def declare(
    data: str | Mapping[str, Any] | None = None,
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
    val_fraction: float | None = None,
    amp: str | None = None,
    skip_bad: bool | None = None,
    max_train: int | None = None,
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
        epochs: overrides every recipe's, as do `batch_size`, `lr`, `optimizer`, `patience` (of early stopping) and
            `amp`.
        imgsz: side of the networks' input in pixels, and of photos that are decoded.
        val_fraction: share of the training images held out for validation.
        skip_bad: leave out unreadable images instead of stopping.
        max_train: train on so many images.
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
        "model.image_size": imgsz,
    }
    mode = "budget" if budget and mode is None else mode
    given = {
        "data": ({"name": data} if isinstance(data, str) else dict(data or {}))
        | _given(image_size=imgsz, skip_bad=skip_bad, max_train=max_train),
        "models": [name.strip() for name in models.split(",")] if isinstance(models, str) else models,
        "recipes": recipes,
        "protocol": _given(
            mode=mode,
            budget=budget,
            val_fraction=val_fraction,
            robustness=robustness,
            target_accuracy=target_accuracy,
        ),
        "seeds": seeds,
        "overrides": _given(**overrides),
        "grid": grid,
    }
    changes: dict[str, Any] = {field: value for field, value in given.items() if value is not None and value != {}}
    if config is not None:
        return read_study(Path(config), changes)
    if recipes is not None:
        changes["recipes"] = [resolve_recipe(one) for one in recipes]
    return StudySpec.parse(changes)


def _given(**fields: Any) -> dict[str, Any]:
    return {field: value for field, value in fields.items() if value is not None}


def compare(
    data: str | Mapping[str, Any] | None = None,
    models: str | Sequence[str | Mapping[str, Any]] | None = None,
    *,
    out: str | Path | None = None,
    device: str = "auto",
    data_dir: str | Path | None = None,
    offline: bool = False,
    time_limit: float | None = None,
    observer: Observer | None = None,
    **settings: Any,
) -> Result:
    """Train several classifiers under one protocol, judge each once on the test set, and return the result.

    Args:
        data: the name of a data set, a folder of images, an .npz file, or owner/name on the hub; or the fields of a
            `DataSpec`.
        models: names or patterns, in a list or joined by commas; in a list also the fields of a `ModelSpec`.
        out: the folder to write to; the same call again goes on with what is there.
        device: auto, cpu, cuda, cuda:1 or mps.
        data_dir: a folder that holds data sets.
        offline: refuse to download.
        time_limit: seconds after which training is saved and stopped.
        observer: told how the study goes on.
        settings: see `declare`.

    Raises:
        BakeoffError: a mistake in the arguments or the data, named in one sentence.
    """
    known = inspect.signature(declare).parameters
    if unknown := sorted(settings.keys() - known):
        raise SpecError(f"compare has no argument {unknown[0]!r}{nearest(unknown[0], known)}")
    study = declare(data, models, **settings)
    where = Locations(data_dir=Path(data_dir) if data_dir else None, offline=offline)
    plan = make_plan(study, where, find_device(device))
    folder = Path(out) if out else plan.default_folder()
    run(plan, folder, where, observer or Observer(), time_limit=time_limit)
    return Result(folder)


def reproduce(
    name: str,
    *,
    seeds: int | Sequence[int] = 3,
    epochs: int | None = None,
    faithful: bool = False,
    max_train: int | None = None,
    out: str | Path = REPRODUCED,
    device: str = "auto",
    data_dir: str | Path | None = None,
    offline: bool = False,
    time_limit: float | None = None,
    observer: Observer | None = None,
) -> Reproduction:
    """Train a system of the library as its document did, and return what was reported against what came of it.

    The study is in a folder of the system's name within `out`, with `reproduced.json` and a report.

    Args:
        name: of the system: a row of `bakeoff reproduce --list`.
        seeds: how many, or which.
        epochs: instead of the document's.
        faithful: repeat the document's fault where it changes the figures, in a study of its own.
        max_train: train on so many images only.
        out: the folder of all reproductions; the same call again goes on with what is there.
        device, data_dir, offline, time_limit, observer: as for `compare`.

    Raises:
        BakeoffError: a mistake in the arguments, the data or the weights, named in one sentence.
    """
    where = Locations(data_dir=Path(data_dir) if data_dir else None, offline=offline)
    study = study_of(name, seeds, epochs=epochs, max_train=max_train, faithful=faithful)
    plan = make_plan(study, where, find_device(device))
    folder = Path(out) / folder_name(name, faithful=faithful)
    outcome = run(plan, folder, where, observer or Observer(), time_limit=time_limit)
    return conclude(Reproduction(name, outcome.records, faithful), folder)


def conclude(reproduction: Reproduction, folder: Path) -> Reproduction:
    """Write `reproduced.json` and the report into a reproduction's folder, and return the reproduction."""
    durable.write(folder / "reproduced.json", json.dumps(reproduction.content(), indent=1).encode())
    Result(folder).report()
    return reproduction


def run(
    plan: Plan,
    folder: Path,
    where: Locations,
    observer: Observer,
    *,
    time_limit: float | None = None,
    database: str | None = None,
) -> Outcome:
    """Train what a plan still lacks, in its folder; see `compare`.

    Args:
        plan: from `bakeoff.study.plan.make_plan`.
        folder: the study's folder, new or of this same study.
        where: noted in the folder, so that a report made later finds the images.
        observer: told how the study goes on.
        time_limit: seconds after which training is saved and stopped.
        database: the URL of a database to use instead of the folder's own.
    """
    study_folder = StudyFolder(folder)
    study_folder.claim(_about(plan, where, database))
    with study_folder.working():
        store = Store(database or study_folder.database_url, plan.study_id, plan.study.content())
        try:
            return execute(plan, study_folder, store, observer, time_limit)
        finally:
            store.close()


def _about(plan: Plan, where: Locations, database: str | None) -> dict[str, Any]:
    """Return what is written in the study's folder."""
    images = plan.images
    return {
        "study_id": plan.study_id,
        "identity": plan.identity,
        "study": plan.study.content(),
        "data": {
            "class_names": images.class_names,
            "shape": images.images.shape,
            "fingerprint": images.fingerprint,
            "provenance": images.provenance,
            "parts": {"train": len(plan.split.train), "val": len(plan.split.val), "test": len(plan.split.test)},
            "split": plan.split.digest,
        },
        "data_dir": str(where.data_dir.resolve()) if where.data_dir else None,
        "database": database,
        "command": _command(sys.argv),
    }


def _command(argv: Sequence[str]) -> str:
    """Return the command that repeats a study, without a limit of time; empty where Python was used."""
    if Path(argv[0]).name != "bakeoff":
        return ""
    limits = {place + more for place, word in enumerate(argv) if word == "--time-limit" for more in (0, 1)}
    kept = [word for place, word in enumerate(argv) if place not in limits and not word.startswith("--time-limit=")]
    return shlex.join(["bakeoff", *kept[1:]])
