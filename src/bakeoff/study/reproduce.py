"""A system of a document as a study of its own, and what the document reported against what the study gave."""

from dataclasses import asdict, dataclass
from functools import cached_property
from typing import Any

import numpy as np

from bakeoff.errors import SpecError
from bakeoff.records.run import Deviation, ParameterCount, RunRecord, RunState
from bakeoff.specs.entry import Entry
from bakeoff.specs.library import find_system, resolve_model, systems
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.study import StudySpec
from bakeoff.study.changes import changes
from bakeoff.study.expand import expand
from bakeoff.study.reported import Figure, figures_of

FAITHFUL = " (faithful)"  # behind the label of a system whose document's fault is repeated


def study_of(
    name: str,
    seeds: Any = 3,
    *,
    epochs: int | None = None,
    max_train: int | None = None,
    weights: str | None = None,
    faithful: bool = False,
) -> StudySpec:
    """Return the study that trains a system of the library as its document did.

    Args:
        name: of the system.
        seeds: how many, or which.
        epochs: fewer or more than the document's.
        max_train: train on so many images only.
        weights: other ones than the document's, as a model of a study declares them.
        faithful: repeat the document's fault, where it has one that changes its figures.

    Raises:
        UnknownNameError: there is no such system; the nearest names are listed.
        SpecError: there is no such fault, or a value is wrong.
    """
    entry = find_system(name)
    assert entry.data is not None, "a system names its data, which a test checks"
    overrides = {} if epochs is None else {"recipe.epochs": epochs}
    other = {} if weights is None else {"weights": weights}
    return StudySpec.parse(
        {
            "data": {**entry.data.content(), "max_train": max_train},
            "models": [resolve_model(ModelSpec(name=name, **other))],
            "recipes": [entry.recipe],
            "protocol": entry.protocol,
            "seeds": seeds,
            "overrides": {**overrides, **(_repeated(name, entry) if faithful else {})},
        }
    )


def folder_name(name: str, *, faithful: bool) -> str:
    """Return the name of the folder of a system's study."""
    return f"{name}-faithful" if faithful else name


def _repeated(name: str, entry: Entry) -> dict[str, Any]:
    if entry.faithful is None:
        raise SpecError(f"{name}: it has no fault of a document that could be repeated; leave out --faithful")
    return {**entry.faithful.overrides, "model.label": name + FAITHFUL}


@dataclass(frozen=True)
class Reproduction:
    """A system of the library, and what became of it here.

    Attributes:
        name: of the system.
        records: of every seed, whatever their state.
        faithful: whether the document's fault was repeated.
    """

    name: str
    records: tuple[RunRecord, ...]
    faithful: bool = False

    @property
    def entry(self) -> Entry:
        """What the library says of it."""
        return find_system(self.name)

    @property
    def finished(self) -> tuple[RunRecord, ...]:
        """The runs that count."""
        return tuple(record for record in self.records if record.state is RunState.FINISHED)

    @property
    def figures(self) -> tuple[Figure, ...]:
        """Those that the document reports, and the test accuracy in any case."""
        return figures_of(self.entry, self.finished, comparable=not self.changes and not self.mends)

    @property
    def seconds(self) -> float | None:
        """Seconds of an epoch here: of training, with the epoch's share of computing a frozen backbone's features."""
        costs = [(run.cost, len(run.epochs)) for run in self.finished if run.cost]
        paces = [cost.training_seconds / epochs for cost, epochs in costs]
        return float(np.mean(paces)) if paces else None

    @property
    def faster(self) -> tuple[float, float] | None:
        """The factor by which an epoch is shorter here than in the document, from and to; the machines differ.

        None where an epoch has not as many images.
        """
        then = self.entry.reported.seconds
        if any(run.spec.data.max_train for run in self.finished):
            return None
        return (then[0] / self.seconds, then[1] / self.seconds) if then and self.seconds else None

    @property
    def notes(self) -> tuple[str, ...]:
        """What differs from the document: what was changed for this reproduction, what was repeated, what is noted."""
        notes = [f"Changed here: {change}." for change in self.changes]
        if self.changes and self.entry.reported.figures:
            notes.append("The reported figures are of another training, so that it is not said where they lie.")
        if self.faithful and self.entry.faithful:
            notes.append(f"Repeated here: {self.entry.faithful.why}")
        if self.mends and self.entry.reported.figures:
            notes.append(
                "The reported figures come of a fault that is not repeated here, so that it is not said where they "
                "lie; --faithful repeats it."
            )
        mended = self.entry.faithful.mended if self.entry.faithful and not self.faithful else ()
        return (*notes, *mended, *self.entry.notes)

    @cached_property
    def changes(self) -> tuple[str, ...]:
        """What was declared otherwise for this reproduction than for the system."""
        if not self.records:
            return ()
        (declared,) = expand(study_of(self.name, seeds=1, faithful=self.faithful))
        return changes(self.records[0].spec, declared)

    @property
    def mends(self) -> bool:
        """Whether the document has a fault that changes its figures, and it is not repeated."""
        return self.entry.faithful is not None and not self.faithful

    @property
    def parameters(self) -> ParameterCount | None:
        """Of the network as it was trained."""
        return next((run.parameters for run in self.finished if run.parameters), None)

    @property
    def deviations(self) -> tuple[Deviation, ...]:
        """In what the runs differ from the library's entry."""
        return tuple(dict.fromkeys(deviation for record in self.records for deviation in record.deviations))

    def content(self) -> dict[str, Any]:
        """Return everything as JSON types: what `reproduced.json` holds."""
        return {
            "system": self.name,
            "document": self.entry.document,
            "faithful": self.faithful,
            "runs": len(self.records),
            "finished": len(self.finished),
            "figures": [figure.content() for figure in self.figures],
            "seconds_per_epoch": {
                "reported": self.entry.reported.seconds,
                "reproduced": self.seconds,
                "faster": self.faster,
                "device": next((run.environment.get("device_name") for run in self.finished), None),
            },
            "parameters": {
                "reported": self.entry.parameters.content() if self.entry.parameters else None,
                "reproduced": asdict(self.parameters) if self.parameters else None,
            },
            "deviations": [asdict(deviation) for deviation in self.deviations],
            "notes": self.notes,
        }


def reproduction_of(records: tuple[RunRecord, ...]) -> Reproduction | None:
    """Return what runs that differ in their seed alone reproduce; None where they are not a system's with its recipe.

    Args:
        records: at least one.
    """
    spec = records[0].spec
    name, faithful = spec.model.title.removesuffix(FAITHFUL), spec.model.title.endswith(FAITHFUL)
    entry = systems().get(name)
    if entry is None or entry.data is None or (spec.recipe.name, spec.data.name) != (name, entry.data.name):
        return None
    return Reproduction(name, records, faithful)
