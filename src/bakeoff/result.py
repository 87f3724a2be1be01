"""The result of a study: its runs, what they prove, and every way to write it down."""

from collections.abc import Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bakeoff.errors import SpecError, StoreError
from bakeoff.evidence.verdict import Verdict
from bakeoff.formats import Format, chosen, figures, write
from bakeoff.records.run import RunRecord
from bakeoff.report.brief import as_html, as_text, findings
from bakeoff.report.robustness import not_judged
from bakeoff.report.subject import Subject
from bakeoff.report.text import plural
from bakeoff.store.arrays import Extent
from bakeoff.store.database import Store
from bakeoff.store.folder import STUDY_FILE, Predictions, RunFolder, StudyFolder
from bakeoff.study import looks
from bakeoff.study.confirm import read_confirmed
from bakeoff.study.difference import Difference, Side, difference
from bakeoff.study.judgement import Judgement, RightAnswers, judge_answers, read_answers
from bakeoff.study.label_errors import FIELDS, find_doubts
from bakeoff.study.leaderboard import leaderboard
from bakeoff.study.metrics import read_metrics
from bakeoff.study.variants import variants

if TYPE_CHECKING:
    import pandas as pd


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
        self._extent = Extent.of(about)
        store = Store(database or about["database"] or self.folder.database_url, about["study_id"])
        try:
            self.runs: tuple[RunRecord, ...] = tuple(store.records())
            self.events = store.events()
        finally:
            store.close()

    def leaderboard(self) -> "pd.DataFrame":
        """Return one row per model and recipe, the best first; see `bakeoff.study.leaderboard`."""
        target = self.about["study"]["protocol"].get("target_accuracy")
        return leaderboard(variants(self.runs), self._judgement.verdict, target, self.metrics())

    def metrics(self) -> Mapping[str, Verdict]:
        """Return what the runs prove of the loss, macro F1, the area under the ROC curve and the calibration error.

        By the names loss, macro_f1, roc_auc and ece; a figure that is not defined for all models is missing, and under
        cross-validation all are. See `docs/evidence.md`.
        """
        return self._metrics

    @cached_property
    def _metrics(self) -> Mapping[str, Verdict]:
        return read_metrics(variants(self.runs), self.predictions, len(self.about["data"]["class_names"]))

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
        """Return the images whose label the best models doubt, the surest first, of those they were not trained on.

        These are the validation and test images; under cross-validation, every image of the data set.
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
        return self.run_folder(run).predictions(part, self._extent)

    def run_folder(self, run: RunRecord) -> RunFolder:
        """Return the folder of a run, with its weights."""
        return self.folder.run(run.spec, run.run_id)

    def save_weights(self, run: RunRecord, path: str | Path) -> Path:
        """Write the final weights of a run for `keras.Model.load_weights`, and return the path.

        As safetensors they lie in the run's folder: `run_folder(run).weights`.

        Args:
            run: that has finished.
            path: ends in `.weights.h5`.

        Raises:
            ModelError: a layer has no counterpart in Keras, or the path has another ending.
            StoreError: the run has no weights, or they cannot be written.
        """
        from bakeoff.export.keras import save_for_keras

        data, to = self.about["data"], Path(path)
        save_for_keras(run, self.run_folder(run).weights, data["shape"], len(data["class_names"]), to)
        return to

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
        if format not in (Format.PNG, Format.PDF):
            raise SpecError(f"figures are written as png or pdf; got {format!r}")
        return figures(self.subject(), Path(folder or self.folder.path / "figures"), Format(format))

    def subject(self) -> Subject:
        """Return the study as reports are made from it."""
        return Subject(
            self.about,
            self.runs,
            tuple(self.events),
            self.predictions,
            lambda run: self.run_folder(run).maps(self._extent),
            confirmed=read_confirmed(self.folder.path, self.runs),
        )

    def __repr__(self) -> str:
        return f"Result({str(self.folder.path)!r}, {plural(len(self.runs), 'run')})"

    def __str__(self) -> str:
        return as_text(*self._brief())

    def _repr_html_(self) -> str:
        return as_html(*self._brief())

    def _brief(self) -> tuple[tuple[str, ...], "pd.DataFrame", Path]:
        found = (*findings(self.judgement(), self.runs), *not_judged(self.subject()))
        return found, self.leaderboard(), self.folder.path / "report.html"


def load(folder: str | Path, database: str | None = None) -> Result:
    """Return the study in a folder; raise `StoreError` where there is none.

    Args:
        folder: of the study.
        database: the URL of its database with a password; None where there is none, or libpq finds it.
    """
    return Result(Path(folder), database)


def diff(one: Path, other: Path) -> Difference:
    """Return in what two studies differ, or two runs by their folders; raise `StoreError` where there is none."""
    names = ("A", "B") if one.name == other.name else (one.name, other.name)
    return difference(*(_side(path, name) for path, name in zip((one, other), names, strict=True)))


def _side(path: Path, name: str) -> Side:
    place = path.resolve()
    if place.parent.name != "runs" or not (place.parents[1] / STUDY_FILE).exists():
        result = load(path)
        return Side(name, result.about, result.runs, result.predictions)
    result = load(place.parents[1])
    runs = tuple(run for run in result.runs if result.run_folder(run).path.name == place.name)
    if not runs:
        raise StoreError(f"the study of {path} has no run of that name")
    return Side(name, result.about, runs, result.predictions, single=True)
