"""The figures that a document reports, and the same of runs here."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from bakeoff.records.run import RunRecord
from bakeoff.specs.entry import Entry

LEVEL = 0.95


def _final(part: str, metric: str) -> Callable[[RunRecord], float | None]:
    return lambda run: run.metrics.get(part, {}).get(metric)


FIGURES: dict[str, Callable[[RunRecord], float | None]] = {
    **{
        f"{part}_{metric}": _final(part, metric) for part in ("test", "val", "train") for metric in ("accuracy", "loss")
    },
    "running_train_accuracy": lambda run: run.epochs[-1].train_accuracy,
    "running_train_loss": lambda run: run.epochs[-1].train_loss,
    "best_epoch": lambda run: run.best_epoch,
}


@dataclass(frozen=True)
class Figure:
    """One figure, reported and reproduced.

    Attributes:
        name: a field of `Reported`.
        reported: by the document, of one run; None where it does not say.
        values: of every finished run.
        comparable: whether the runs were made as the document's; what a quick look gave says nothing of its figures.
    """

    name: str
    reported: float | None
    values: tuple[float, ...]
    comparable: bool = True

    @property
    def mean(self) -> float | None:
        """The mean over the runs."""
        return float(np.mean(self.values)) if self.values else None

    @property
    def sd(self) -> float | None:
        """The standard deviation over the runs (n - 1); None for fewer than two."""
        return float(np.std(self.values, ddof=1)) if len(self.values) > 1 else None

    @property
    def interval(self) -> tuple[float, float] | None:
        """Where one more run with another seed lies in 95 of 100 cases, if runs are spread normally; None below two.

        A document reports a single run, which is compared with single runs: an interval of the mean would exclude most
        of our own. The method is Student's prediction interval, mean ± t·sd·√(1 + 1/n).
        """
        if self.mean is None or self.sd is None:
            return None
        runs = len(self.values)
        half = float(special.stdtrit(runs - 1, (1 + LEVEL) / 2)) * self.sd * math.sqrt(1 + 1 / runs)
        most = 1.0 if self.name.endswith("accuracy") else math.inf
        return max(0.0, self.mean - half), min(most, self.mean + half)

    @property
    def lies(self) -> Literal["below", "inside", "above"] | None:
        """Where the reported figure lies with respect to the interval; None where runs were made otherwise."""
        if self.reported is None or self.interval is None or not self.comparable:
            return None
        low, high = self.interval
        return "below" if self.reported < low else "above" if self.reported > high else "inside"

    def content(self) -> dict[str, Any]:
        """Return everything as JSON types."""
        return {
            "figure": self.name,
            "reported": self.reported,
            "reproduced": self.mean,
            "sd": self.sd,
            "interval": self.interval,
            "n": len(self.values),
            "lies": self.lies,
        }


def figures_of(entry: Entry, finished: Sequence[RunRecord], *, comparable: bool) -> tuple[Figure, ...]:
    """Return the figures that an entry's document reports, and the test accuracy in any case.

    Args:
        entry: of the library.
        finished: the runs of its system.
        comparable: whether they were made as the document's.
    """
    reported = entry.reported.figures
    return tuple(
        Figure(
            name, reported.get(name), tuple(found for run in finished if (found := value(run)) is not None), comparable
        )
        for name, value in FIGURES.items()
        if name in reported or name == "test_accuracy"
    )
