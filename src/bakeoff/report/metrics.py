"""Figures other than accuracy, with their intervals and tied groups."""

from collections.abc import Iterator
from contextlib import suppress

import numpy as np
from numpy.typing import NDArray

from bakeoff.evidence.jackknife import contributions
from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.verdict import Verdict, judge
from bakeoff.report.answers import Answers, TestAnswers, answered
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.table import Column, Rows, Table, Value, text_columns
from bakeoff.report.text import NONE, decimal

MOST = 30  # models, beyond which pairs are too many to be read


def metric_table(subject: Subject, test: TestAnswers) -> Table | None:
    """Return a row per metric and model, the best first; None under cross-validation and with no or too many models.

    The loss is a score per image; macro F1 is made into one by the jackknife (`bakeoff.evidence.jackknife`).
    """
    shown = answered(subject, test)
    if not shown or len(shown) > MOST or test.folding:
        return None
    rows: Rows = [
        row for name, verdict in _verdicts(shown, test, len(subject.class_names)) for row in _rows(name, verdict, shown)
    ]
    columns = (
        *text_columns("metric", "model"),
        Column("mean"),
        Column("95 % interval", note="for new seeds and new test images; for one run, new images only"),
        Column("group", numeric=False, note="models that share a letter in a metric cannot be told apart in it"),
    )
    note = "Loss is in nats, less is better. P-values behind the groups are corrected within each metric."
    return Table("Other metrics and their intervals", columns, rows, note) if rows else None


def _verdicts(shown: list[Contender], test: TestAnswers, classes: int) -> Iterator[tuple[str, Verdict]]:
    """Yield the verdict on every metric that is defined for all models."""
    with suppress(EvidenceError):  # a loss that is not finite
        yield "loss", judge({one.label: test.of[one.place].loss for one in shown}, better="lower")
    with suppress(EvidenceError):  # too few images for the jackknife's groups
        yield "macro F1", judge({one.label: _of_f1(test.of[one.place], test.labels, classes) for one in shown})


def _of_f1(answers: Answers, labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    def figure(predicted: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
        return macro_f1(predicted.astype(np.int64), labels, classes)

    return contributions(figure, list(answers.predicted.astype(np.float32)), labels)


def macro_f1(predicted: NDArray[np.int64], labels: NDArray[np.int64], classes: int) -> float:
    """Return the mean over the classes of the harmonic mean of precision and recall; 0 where nothing was right."""
    right = np.bincount(labels[predicted == labels], minlength=classes)
    either = np.bincount(labels, minlength=classes) + np.bincount(predicted, minlength=classes)
    return float(np.mean(2 * right / np.maximum(either, 1)))


def _rows(metric: str, verdict: Verdict, shown: list[Contender]) -> Rows:
    places = {contender.label: contender.place for contender in shown}
    return [
        (
            metric,
            Value(one.name, place=places[one.name]),
            Value(decimal(one.mean), one.mean),
            Value(f"{decimal(one.low)} to {decimal(one.high)}", one.low),
            verdict.letters[one.name] or NONE,
        )
        for one in verdict.estimates
    ]
