"""What a tuned figure is worth: the chosen settings, trained again with seeds that had no part in the choice."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import count, islice
from math import isclose
from pathlib import Path
from typing import Any, Literal

import numpy as np
from pydantic import TypeAdapter, ValidationError

from bakeoff.errors import SpecError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.specs.study import StudySpec
from bakeoff.study.tuning import tunings
from bakeoff.study.variants import Variant, variants

FOLDER = "confirm"  # within that of the tuned study
FILE = "confirmed.json"  # in that folder
PARTS: tuple[Literal["val", "test"], ...] = ("val", "test")
LARGEST = 1 << 20  # bytes of such a file, more than which nothing writes


@dataclass(frozen=True)
class Confirmed:
    """A model's chosen setting, as the choice saw it and with fresh seeds; accuracies are means over runs.

    Attributes:
        model: its title.
        setting: the name of the recipe, with what was tuned.
        settings: how many were tried.
        part: of the data, val or test.
        tuned: accuracy of the runs that the choice was made by.
        confirmed: accuracy with fresh seeds; None where no run has finished.
        sd: its standard deviation over seeds (n - 1); None for one run.
        seeds: finished runs with fresh seeds.
    """

    model: str
    setting: str
    settings: int
    part: Literal["val", "test"]
    tuned: float
    confirmed: float | None
    sd: float | None
    seeds: int

    @property
    def optimism(self) -> float | None:
        """By how much the tuned figure is better than the confirmed one, chance included."""
        return None if self.confirmed is None else self.tuned - self.confirmed

    def content(self) -> dict[str, Any]:
        """Return the fields and the optimism as plain JSON types."""
        return {**asdict(self), "optimism": self.optimism}


def confirmation(study: Mapping[str, Any], records: Sequence[RunRecord], seeds: int) -> StudySpec:
    """Return the study that trains the chosen setting of every model with fresh seeds.

    Args:
        study: what was tuned, as its folder has it.
        records: of its runs.
        seeds: how many; the smallest that no run of the study has.

    Raises:
        SpecError: nothing is finished, runs are left, validation is missing, or there are no seeds.
    """
    if seeds < 1:
        raise SpecError(f"--seeds must be 1 or more; got {seeds}")
    if left := sum(not record.state.is_final for record in records):
        raise SpecError(f"{left} of {len(records)} runs are left, which may change the choice; finish the study first")
    chosen = {}
    for tuning in tunings(variants(records)):
        if tuning.chosen is None:
            why = "has no validation images to be chosen by" if tuning.runs else "has no finished run"
            raise SpecError(f"{tuning.model} {why}, so that no setting of it can be confirmed")
        chosen[tuning.model] = tuning.chosen.records[0].spec.recipe.name
    used = {record.spec.seed for record in records}
    fresh = islice((seed for seed in count() if seed not in used), seeds)
    return StudySpec.parse({**study, "only": chosen, "seeds": list(fresh)})


def confirmed(tuned: Sequence[RunRecord], fresh: Iterable[RunRecord]) -> tuple[Confirmed, ...]:
    """Return what became of every chosen setting, in validation and on the test set.

    Args:
        tuned: the runs that were chosen among.
        fresh: the runs of the confirmation; of those whose seed is not among the tuned ones.
    """
    used = {record.spec.seed for record in tuned}
    again = [run for run in fresh if run.state is RunState.FINISHED and run.spec.seed not in used]
    return tuple(
        _figure(tuning.model, tuning.chosen.records[0].spec.recipe.name, len(tuning.settings), part, before, after)
        for tuning in tunings(variants(tuned))
        if tuning.chosen
        for part in PARTS
        if (before := _accuracies(tuning.chosen.finished, part))
        for after in [_accuracies((run for run in again if run.spec.model.title == tuning.model), part)]
    )


def read_confirmed(folder: Path, records: Iterable[RunRecord]) -> tuple[Confirmed, ...]:
    """Return what a study's folder tells of its confirmation: of its choices, or of the runs that confirmed them.

    Of a file that anyone may have written, figures count that agree with the finished runs of this study alone.
    """
    found = variants(records)
    for path in (folder / FILE, folder / FOLDER / FILE):
        try:
            with path.open("rb") as file:
                told = TypeAdapter(tuple[Confirmed, ...]).validate_json(file.read(LARGEST + 1))
        except (OSError, ValidationError):
            continue
        return tuple(one for one in told if one.seeds > 0 and any(_agrees(one, variant) for variant in found))
    return ()


def _agrees(told: Confirmed, variant: Variant) -> bool:
    """Return whether one of the two figures is that of these runs, and the other one an accuracy."""
    runs = variant.finished
    if not runs or (variant.model, runs[0].spec.recipe.name) != (told.model, told.setting):
        return False
    here, figures = _accuracies(runs, told.part), (told.tuned, told.confirmed)
    sound = all(figure is not None and 0 <= figure <= 1 for figure in figures) and not (told.sd or 0) < 0
    return bool(here) and sound and any(isclose(np.mean(here), figure or 0, abs_tol=1e-9) for figure in figures)


def _figure(
    model: str,
    setting: str,
    settings: int,
    part: Literal["val", "test"],
    before: Sequence[float],
    after: Sequence[float],
) -> Confirmed:
    mean = float(np.mean(after)) if after else None
    sd = float(np.std(after, ddof=1)) if len(after) > 1 else None
    return Confirmed(model, setting, settings, part, float(np.mean(before)), mean, sd, len(after))


def _accuracies(runs: Iterable[RunRecord], part: str) -> list[float]:
    return [run.metrics[part]["accuracy"] for run in runs if part in run.metrics]
