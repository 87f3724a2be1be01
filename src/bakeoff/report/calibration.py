"""Are the models' probabilities to be believed? Reliability diagrams, before and after temperature scaling."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.errors import StoreError
from bakeoff.evidence.calibration import Reliability, reliability
from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.temperature import fit_temperature
from bakeoff.records.run import RunRecord
from bakeoff.report.answers import TestAnswers, answered
from bakeoff.report.figure import WHOLE, Figure, Trace, colour, dash, finite, inert, symbol
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.table import Column, Rows, Table, Value, text_columns
from bakeoff.report.text import NONE, percent
from bakeoff.store.folder import Predictions

MOST_MODELS = 10  # the best ones
MOST_LOGITS = 500_000  # of a run, that a temperature is fitted on or calibration measured by; enough for 50,000 x 10
FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class Calibration:
    """How well one model's probabilities are calibrated on the test images; means over its runs.

    Attributes:
        contender: the model.
        diagram: of all its runs together, as the probabilities are.
        ece: expected calibration error.
        scaled: the same after temperature scaling; None without validation images.
        temperature: fitted on validation images; None without.
    """

    contender: Contender
    diagram: Reliability
    ece: float
    scaled: float | None
    temperature: float | None


def calibrations(subject: Subject, test: TestAnswers) -> list[Calibration]:
    """Return the calibration of the best models whose logits are finite."""
    found = [_calibration(subject, contender) for contender in answered(subject, test)[:MOST_MODELS]]
    return [one for one in found if one is not None]


def _calibration(subject: Subject, contender: Contender) -> Calibration | None:
    probabilities, labels, before, after, temperatures = [], [], [], [], []
    for record in contender.finished:
        try:
            said = _some(subject.predictions(record, "test"))
        except StoreError:
            continue
        if not np.isfinite(said[0]).all():
            continue
        probabilities.append(special.softmax(said[0], axis=1))
        labels.append(said[1])
        before.append(reliability(probabilities[-1], said[1]).ece)
        if (temperature := _temperature(subject, record)) is not None:
            temperatures.append(temperature)
            after.append(reliability(special.softmax(said[0] / temperature, axis=1), said[1]).ece)
    if not probabilities:
        return None
    diagram = reliability(np.concatenate(probabilities), np.concatenate(labels), bins=10)
    scaled, temperature = (float(np.mean(values)) if values else None for values in (after, temperatures))
    return Calibration(contender, diagram, float(np.mean(before)), scaled, temperature)


def _temperature(subject: Subject, record: RunRecord) -> float | None:
    try:
        logits, labels = _some(subject.predictions(record, "val"))
        return fit_temperature(logits, labels)
    except (StoreError, EvidenceError):
        return None


def _some(said: Predictions) -> tuple[FloatArray, NDArray[np.int64]]:
    """Return logits and labels, of every k-th image where they are very many."""
    step = -(-said.judged.size // MOST_LOGITS) or 1
    return said.judged[::step].astype(np.float64), said.labels[::step]


def calibration_figure(found: Sequence[Calibration]) -> Figure | None:
    """Return the reliability diagrams in one figure; None where there are none."""
    if not found:
        return None
    ideal: Trace = {
        "type": "scatter",
        "mode": "lines",
        "meta": None,
        "x": [0, 1],
        "y": [0, 1],
        "line": {"color": "var(--edge)", "width": 1, "dash": "dot"},
        "hoverinfo": "skip",
    }
    least = min(float(one.diagram.confidence.min()) for one in found)
    lowest = min(least, *(float(one.diagram.accuracy.min()) for one in found))
    return Figure(
        id="reliability",
        title="Reliability diagram",
        description="Share of right answers against the probability that the model gave them, in bins of equally many "
        "images. On the diagonal, probabilities are what they say.",
        traces=[ideal, *map(_trace, found)],
        layout={
            "xaxis": {
                "title": {"text": "probability of the answer"},
                "tickformat": ".0%",
                "range": [max(0, least - 0.03), 1],
            },
            "yaxis": {"title": {"text": "right"}, "tickformat": ".0%", "range": [max(0, lowest - 0.03), 1]},
        },
        note="Below the dotted line a model is too sure of itself, above it too modest. Points are bins of equally "
        "many images, of all runs of a model together.",
    )


def _trace(one: Calibration) -> Trace:
    place = one.contender.place
    return {
        "type": "scatter",
        **WHOLE,
        "mode": "lines+markers",
        "meta": place,
        "name": inert(one.contender.label),
        "x": finite(one.diagram.confidence.tolist(), 4),
        "y": finite(one.diagram.accuracy.tolist(), 4),
        "line": {"color": colour(place), "dash": dash(place), "width": 1.5},
        "marker": {"symbol": symbol(place), "size": 7},
        "hovertemplate": "%{fullData.name}<br>says %{x:.1%}, right %{y:.1%}<extra></extra>",
    }


def calibration_table(found: Sequence[Calibration]) -> Table | None:
    """Return the calibration errors in numbers; None where there are none."""
    if not found:
        return None
    columns = (
        *text_columns("model"),
        Column("ECE", note="expected calibration error: mean distance of probability and truth, 15 bins of equal mass"),
        Column("ECE, scaled", note="after temperature scaling, fitted on the validation images of each run"),
        Column("temperature", note="above 1, the model was too sure of itself"),
        Column(
            "error without chance", note="root mean square, without the part that chance adds; of all runs together"
        ),
    )
    rows: Rows = [
        (
            Value(one.contender.label, place=one.contender.place),
            Value(percent(one.ece, 1), one.ece),
            Value(percent(one.scaled, 1), one.scaled),
            NONE if one.temperature is None else f"{one.temperature:.2f}",
            percent(one.diagram.debiased_rms, 1),
        )
        for one in found
    ]
    return Table("Calibration error on the test images", columns, rows, "Means over runs; lower is better.")
