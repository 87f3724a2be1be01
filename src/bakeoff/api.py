"""Bakeoff from Python: compare, reproduce, and load what was compared."""

import inspect
import json
import shlex
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff import durable
from bakeoff.data.checks import Finding
from bakeoff.data.examine import examine
from bakeoff.data.load import load as load_images
from bakeoff.data.locations import Locations
from bakeoff.errors import SpecError, StoreError, nearest
from bakeoff.records.run import RunRecord
from bakeoff.report.brief import as_html, as_text, findings
from bakeoff.report.text import plural
from bakeoff.run.device import find_device
from bakeoff.specs.data import DataSpec
from bakeoff.specs.files import naming_lines, read_study
from bakeoff.specs.library import resolve_recipe
from bakeoff.specs.protocol import Protocol
from bakeoff.specs.study import StudySpec
from bakeoff.store.database import Store
from bakeoff.store.engine import noted
from bakeoff.store.folder import Predictions, RunFolder, StudyFolder
from bakeoff.study import looks
from bakeoff.study.execute import Observer, Outcome, execute
from bakeoff.study.judgement import Judgement, RightAnswers, judge_answers, read_answers
from bakeoff.study.label_errors import FIELDS, find_doubts
from bakeoff.study.leaderboard import leaderboard
from bakeoff.study.lines import default_observer
from bakeoff.study.plan import Plan, make_plan
from bakeoff.study.reproduce import Reproduction, folder_name, study_of
from bakeoff.study.variants import variants

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.report.subject import Subject

REPRODUCED = Path("runs") / "reproduce"


class Result:
    """A study and its runs, read from its folder.

    Args:
        folder: of the study.
        database: the URL of its database with a password; None where there is none, or libpq finds it.
    """

    def __init__(self, folder: Path, database: str | None = None) -> None:
        self.folder = StudyFolder(folder)
        about = self.folder.read()
        self.about: Mapping[str, Any] = about
        store = Store(database or about["database"] or self.folder.database_url, about["study_id"])
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
        return replace(judge_answers(self.answers()), looked=looks.sentence(looks.before(self.events)))

    def answers(self) -> RightAnswers:
        """Return which finished run was right on which test image."""
        return read_answers({variant.name: variant.records for variant in variants(self.runs)}, self.predictions)

    def label_errors(self) -> "pd.DataFrame":
        """Return the validation and test images whose label the best models doubt, the surest first.

        The best models are all that cannot be told from the best, and their probabilities are averaged over all of
        their runs. It is a list to look through: some labels are wrong, and some images are merely hard.

        Returns:
            A row for each image: image (its index in the data set), part, label, suggested, the probabilities of both,
            and runs_against, the share of runs that predict another class than the label.

        Raises:
            StoreError: no finished run has predictions that can be read.
        """
        import pandas as pd

        verdict = self._judgement.verdict
        best = verdict.best if verdict else ()
        runs = [run for variant in variants(self.runs) if variant.name in best for run in variant.finished]
        doubts = find_doubts(runs, self.predictions)
        if doubts is None:
            raise StoreError(f"no run in {self.folder.path} has predictions to find label errors by; finish one first")
        return pd.DataFrame(doubts.rows(self.about["data"]["class_names"]), columns=list(FIELDS))

    def predictions(self, run: RunRecord, part: str = "test") -> Predictions:
        """Return the logits, labels and image indices of a finished run on one part of the data."""
        return self.run_folder(run).predictions(part)

    def run_folder(self, run: RunRecord) -> RunFolder:
        """Return the folder of a run, with its weights."""
        return self.folder.run(run.spec, run.run_id)

    def report(self, path: str | Path | None = None, format: str | None = None) -> Path:
        """Write the report and return its path: by default `report.html` in the folder, one file that works offline.

        Args:
            path: another file to write to, of which the suffix says the format; or a folder.
            format: html, md, csv, json or tex; or png or pdf, which write a folder of figures.

        Raises:
            SpecError: a path of which no format can be told.
            StoreError: it cannot be written.
            UnknownNameError: a format that there is not.
        """
        from bakeoff.formats import chosen, write

        to = Path(path) if path is not None else None
        kind = chosen(to, format)
        usual = self.folder.path / ("figures" if kind.is_folder else f"report.{kind}")
        return write(self.subject(), self.judgement, kind, to or usual)

    def figures(self, folder: str | Path | None = None, format: str = "png") -> list[Path]:
        """Write the figures of the report as files of their own, and return their paths.

        Args:
            folder: to write to; by default `figures` in the study's folder.
            format: png or pdf.

        Raises:
            SpecError: another format.
            StoreError: a file cannot be written.
        """
        from bakeoff.formats import Format, figures

        if format not in (Format.PNG, Format.PDF):
            raise SpecError(f"figures are written as png or pdf; got {format!r}")
        return figures(self.subject(), Path(folder or self.folder.path / "figures"), Format(format))

    def subject(self) -> "Subject":
        """Return the study as reports are made from it."""
        from bakeoff.report.subject import Subject

        return Subject(
            self.about, self.runs, tuple(self.events), self.predictions, lambda run: self.run_folder(run).maps()
        )

    def __repr__(self) -> str:
        return f"Result({str(self.folder.path)!r}, {plural(len(self.runs), 'run')})"

    def __str__(self) -> str:
        return as_text(*self._brief())

    def _repr_html_(self) -> str:
        return as_html(*self._brief())

    def _brief(self) -> tuple[tuple[str, ...], "pd.DataFrame", Path]:
        return findings(self.judgement(), self.runs), self.leaderboard(), self.folder.path / "report.html"


def load(folder: str | Path, database: str | None = None) -> Result:
    """Return the study in a folder; raise `StoreError` where there is none.

    Args:
        folder: of the study.
        database: the URL of its database with a password; None where there is none, or libpq finds it.
    """
    return Result(Path(folder), database)


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
    engine: str | None = None,
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
        epochs: overrides every recipe's, as do `batch_size`, `lr`, `optimizer`, `patience` (of early stopping),
            `amp` and `engine`.
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
        "recipe.engine": engine,
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
    database: str | None = None,
    retry_failed: bool = False,
    verbose: bool | None = None,
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
        database: the URL of a database to use instead of one in the folder. Its password is written nowhere: where it
            is needed later, libpq finds it in `PGPASSWORD` or `~/.pgpass`.
        retry_failed: try runs again that have failed.
        verbose: print a line per run; left open, that is done in a terminal or a notebook.
        observer: told how the study goes on, instead of printing.
        settings: see `declare`.

    Raises:
        BakeoffError: a mistake in the arguments or the data, named in one sentence.
    """
    known = inspect.signature(declare).parameters
    if unknown := sorted(settings.keys() - known):
        raise SpecError(f"compare has no argument {unknown[0]!r}{nearest(unknown[0], known)}")
    study = declare(data, models, **settings)
    config = Path(settings["config"]) if settings.get("config") else None
    where = Locations(data_dir=Path(data_dir) if data_dir else None, offline=offline)
    with naming_lines(config):
        plan = make_plan(study, where, find_device(device))
    folder = Path(out) if out else plan.default_folder()
    observer = observer or default_observer(verbose)
    run(plan, folder, where, observer, time_limit=time_limit, database=database, retry_failed=retry_failed)
    return Result(folder, database)


def check(
    data: str | Mapping[str, Any],
    *,
    imgsz: int | None = None,
    val_fraction: float | None = None,
    skip_bad: bool | None = None,
    data_dir: str | Path | None = None,
    offline: bool = False,
) -> "pd.DataFrame":
    """Look for what would make a comparison on a data set less honest, such as copies of test images in training.

    Args:
        data: the name of a data set, a folder of images, an .npz file, or owner/name on the hub; or the fields of a
            `DataSpec`.
        imgsz: side in pixels to decode photos to.
        val_fraction: share of the training images that would be held out.
        skip_bad: leave out unreadable images instead of stopping.
        data_dir, offline: as for `compare`.

    Returns:
        A row for each finding, the grave ones first: check, grave, count, what, advice, examples, and groups, the
        indices of images that belong together.

    Raises:
        BakeoffError: the data cannot be loaded.
    """
    import pandas as pd

    named = {"name": data} if isinstance(data, str) else dict(data)
    spec = DataSpec.parse(named | _given(image_size=imgsz, skip_bad=skip_bad))
    protocol = Protocol.parse(_given(val_fraction=val_fraction))
    where = Locations(data_dir=Path(data_dir) if data_dir else None, offline=offline)
    found = examine(load_images(spec, where), spec, protocol, where.cache, thorough=True).findings
    return pd.DataFrame([vars(finding) for finding in found], columns=list(Finding.__dataclass_fields__))


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
    retry_failed: bool = False,
    verbose: bool | None = None,
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
        device, data_dir, offline, time_limit, retry_failed, verbose, observer: as for `compare`.

    Raises:
        BakeoffError: a mistake in the arguments, the data or the weights, named in one sentence.
    """
    where = Locations(data_dir=Path(data_dir) if data_dir else None, offline=offline)
    study = study_of(name, seeds, epochs=epochs, max_train=max_train, faithful=faithful)
    plan = make_plan(study, where, find_device(device))
    folder = Path(out) / folder_name(name, faithful=faithful)
    observer = observer or default_observer(verbose)
    outcome = run(plan, folder, where, observer, time_limit=time_limit, retry_failed=retry_failed)
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
    retry_failed: bool = False,
) -> Outcome:
    """Train what a plan still lacks, in its folder; see `compare`.

    Args:
        plan: from `bakeoff.study.plan.make_plan`.
        folder: the study's folder, new or of this same study.
        where: noted in the folder, so that a report made later finds the images.
        observer: told how the study goes on.
        time_limit: seconds after which training is saved and stopped.
        database: the URL of a database; None: the one that the folder was begun with, a file in it unless another was
            named.
        retry_failed: try runs again that have failed.
    """
    study_folder = StudyFolder(folder)
    about = study_folder.claim(_about(plan, where, noted(database) if database else None))
    url = database or about["database"] or study_folder.database_url
    store = Store(url, plan.study_id, plan.study.content())
    try:
        return execute(plan, study_folder, store, observer, time_limit, retry_failed=retry_failed)
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
            "checks": plan.examined.content(),
        },
        "data_dir": str(where.data_dir.resolve()) if where.data_dir else None,
        "database": database,
        "command": _command(sys.argv),
    }


def _command(argv: Sequence[str]) -> str:
    """Return the command that repeats a study, without what is for one time and without the password of a database.

    It is empty where Python was used.
    """
    if Path(argv[0]).name != "bakeoff":
        return ""
    kept, words = ["bakeoff"], iter(argv[1:])
    for word in words:
        option, given, value = word.partition("=")
        if option == "--time-limit":
            value = value or next(words, "")
        elif option == "--database":
            kept += [option, noted(value if given else next(words, ""))]
        elif option != "--retry-failed":
            kept.append(word)
    return shlex.join(kept)
