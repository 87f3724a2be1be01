"""What a report is made from."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from bakeoff.data.imageset import ImageSet
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.errors import BakeoffError, StoreError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.report.text import short
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol
from bakeoff.store.database import Event
from bakeoff.store.folder import Maps, Predictions
from bakeoff.study.confirm import Confirmed
from bakeoff.study.leaderboard import leaderboard
from bakeoff.study.variants import variants


@dataclass(frozen=True)
class Contender:
    """A model with a recipe: one row of the leaderboard, and one colour in every figure.

    Attributes:
        place: in the leaderboard, from 0; it decides the colour.
        rank: from 1, the same for equal accuracies; None where no run is finished.
        recipe: its name.
        label: the model, with the recipe where the study trains the model with several.
        figures: the row of the leaderboard.
        records: of every seed and fold, whatever their state.
    """

    place: int
    rank: int | None
    recipe: str
    label: str
    figures: Mapping[str, Any]
    records: tuple[RunRecord, ...]

    @property
    def finished(self) -> tuple[RunRecord, ...]:
        """The runs that count."""
        return tuple(record for record in self.records if record.state is RunState.FINISHED)

    @property
    def accuracy(self) -> float:
        """Mean test accuracy over the finished runs; nan where there are none."""
        return float(self.figures["test_accuracy_mean"])

    def run_label(self, record: RunRecord) -> str:
        """Return how one of its runs is called."""
        return f"{self.label}, {record.spec.turn}"


def _no_maps(record: RunRecord) -> Maps:
    raise StoreError(f"no maps of {record.run_id} were kept")


@dataclass(frozen=True)
class Subject:
    """A study as its folder holds it.

    Attributes:
        about: the content of study.json.
        records: every run.
        events: what happened to the runs, the oldest first.
        predictions: returns what a finished run said of a part; raises `StoreError` where that is lost.
        maps: returns where a finished run's model looked; raises `StoreError` where that was not kept.
        confirmed: figures of tuned settings with fresh seeds, of this study or by it.
        images: the data set, or None where it is not at hand, and `why_no_images` says why.
    """

    about: Mapping[str, Any]
    records: tuple[RunRecord, ...]
    events: tuple[Event, ...]
    predictions: Callable[[RunRecord, str], Predictions]
    maps: Callable[[RunRecord], Maps] = _no_maps
    confirmed: tuple[Confirmed, ...] = ()
    images: ImageSet | None = None
    why_no_images: str = ""

    @property
    def name(self) -> str:
        """The data set, without the folders that lead to it."""
        given = str(self.about["study"]["data"]["name"])
        return Path(given).name.partition("@")[0] or given

    @property
    def class_names(self) -> tuple[str, ...]:
        """One name per class."""
        return tuple(self.about["data"]["class_names"])

    @property
    def data(self) -> DataSpec:
        """The data set as the study asked for it."""
        return DataSpec.parse(self.about["study"]["data"])

    @property
    def protocol(self) -> Protocol:
        """The rules of the study."""
        return Protocol.parse(self.about["study"]["protocol"])

    @property
    def test_images(self) -> int:
        """How many images every model is judged on; all of them under cross-validation."""
        data = self.about["data"]
        return int(data["shape"][0] if self.protocol.folds else data["parts"]["test"])

    @cached_property
    def contenders(self) -> tuple[Contender, ...]:
        """Every row of the leaderboard, in its order."""
        if not self.records:
            return ()
        found = variants(self.records)
        of = {(variant.model, variant.recipe): variant for variant in found}
        rows = leaderboard(found).to_dict("records")
        accuracies = [row["test_accuracy_mean"] for row in rows]
        labels = _labels([of[row["model"], row["recipe"]].name for row in rows])
        return tuple(
            Contender(
                place=place,
                rank=1 + sum(accuracy > row["test_accuracy_mean"] for accuracy in accuracies) if row["seeds"] else None,
                recipe=row["recipe"],
                label=labels[place],
                figures={str(name): value for name, value in row.items()},
                records=of[row["model"], row["recipe"]].records,
            )
            for place, row in enumerate(rows)
        )

    @property
    def ranked(self) -> tuple[Contender, ...]:
        """The contenders with a finished run, the best first."""
        return tuple(contender for contender in self.contenders if contender.finished)

    def with_images(self) -> "Subject":
        """Return the same study with its images, where they are still at hand and still the same."""
        data = self.data.model_copy(update={"fingerprint": self.about["data"]["fingerprint"]})
        folder = self.about.get("data_dir")
        try:
            images = load(data, Locations(data_dir=Path(folder) if folder else None, offline=True))
        except BakeoffError as error:
            return replace(self, images=None, why_no_images=str(error))
        if images.class_names != self.class_names or images.images.shape != tuple(self.about["data"]["shape"]):
            why = "the classes or the size of the data set are not those in study.json, which is damaged"
            return replace(self, images=None, why_no_images=why)
        return replace(self, images=images, why_no_images="")


def _labels(names: Sequence[str]) -> list[str]:
    """Return the names in one line and of bounded length, numbered where that makes them the same."""
    labels = [short(name, 60) for name in names]
    times = Counter(labels)
    return [label if times[label] == 1 else f"{label} #{place + 1}" for place, label in enumerate(labels)]
