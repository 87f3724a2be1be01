"""Learning curves: loss and accuracy of every epoch, the mean over seeds with the range that they span."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.report.figure import SHARES, WHOLE, Figure, Trace, colour, dash, finite, inert, symbol
from bakeoff.report.subject import Contender
from bakeoff.report.table import Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import decimal, percent

MOST_POINTS = 300  # of one curve; longer ones are thinned evenly
MOST_ROWS = 12  # of one contender in the table of a figure
FEW_EPOCHS = 8  # up to which each has a tick
LOG_RATIO = 50  # largest to smallest loss from which on the axis is logarithmic
QUANTITIES = {
    "train_loss": "Training loss",
    "val_loss": "Validation loss",
    "train_accuracy": "Training accuracy",
    "val_accuracy": "Validation accuracy",
}


@dataclass(frozen=True)
class Curve:
    """The epochs at which a quantity is known, and its mean and range over the runs that trained so far."""

    epochs: list[int]
    mean: list[float]
    low: list[float]
    high: list[float]
    seeds: list[int]  # how many of them

    def thinned(self, most: int) -> "Curve":
        """Return at most so many epochs, the first and the last among them."""
        count = len(self.epochs)
        if count <= most:
            return self
        kept = [round(step * (count - 1) / (most - 1)) for step in range(most)]
        return Curve(*([values[index] for index in kept] for values in vars(self).values()))


def curve(contender: Contender, quantity: str) -> Curve:
    """Return a quantity of all runs of a contender, epoch by epoch."""
    values: dict[int, list[float]] = {}
    for record in contender.records:
        for row in record.epochs:
            value = getattr(row, quantity)
            if value is not None and math.isfinite(value):
                values.setdefault(row.epoch, []).append(value)
    known = sorted(values.items())
    return Curve(
        [epoch for epoch, _ in known],
        [math.fsum(of) / len(of) for _, of in known],
        [min(of) for _, of in known],
        [max(of) for _, of in known],
        [len(of) for _, of in known],
    )


def curve_figures(contenders: Sequence[Contender]) -> list[Figure]:
    """Return a figure for each quantity that was recorded."""
    figures = []
    for quantity, title in QUANTITIES.items():
        curves = {contender.place: curve(contender, quantity) for contender in contenders}
        if any(found.epochs for found in curves.values()):
            figures.append(_figure(quantity, title, [(c, curves[c.place]) for c in contenders]))
    return figures


def _figure(quantity: str, title: str, curves: list[tuple[Contender, Curve]]) -> Figure:
    curves = [(contender, found) for contender, found in curves if found.epochs]
    loss = quantity.endswith("loss")
    axis: dict[str, object] = {"tickformat": ".4~f"} if loss else {"tickformat": ".2~%", **SHARES}
    values = [value for _, found in curves for value in found.mean]
    if loss and min(values) > 0 and max(values) > LOG_RATIO * min(values):
        axis = {"type": "log", "dtick": 1, "tickformat": "~g"}
    ends = ", ".join(f"{c.label} {_shown(quantity, found.mean[-1])}" for c, found in curves[:5])
    traces = []
    for contender, found in curves:
        traces += _traces(contender, found.thinned(MOST_POINTS), loss=loss)
        if quantity == "val_accuracy":
            traces += _kept(contender)
    return Figure(
        id=quantity.replace("_", "-"),
        title=title,
        description=f"{title} against the epoch, one line per model. At the end: {ends}.",
        traces=traces,
        layout={
            "xaxis": {"title": {"text": "epoch"}, **_epochs(max(found.epochs[-1] for _, found in curves))},
            "yaxis": axis,
        },
        note="A ring is the epoch whose weights a run kept." if quantity == "val_accuracy" else "",
        table=_table(quantity, title, curves),
    )


def _epochs(last: int) -> dict[str, object]:
    """Return an axis from the first epoch to the last: nothing is known of an epoch 0."""
    ticks = {"dtick": 1} if last <= FEW_EPOCHS else {}
    return {"autorangeoptions": {"clipmin": 0.5, "clipmax": last + 0.5}, **ticks}


def _traces(contender: Contender, found: Curve, *, loss: bool) -> list[Trace]:
    """Return the mean as a line and, where there are several seeds, their range as a band."""
    shared = {"meta": contender.place, "type": "scatter", "name": inert(contender.label), **WHOLE}
    line = {
        **shared,
        "x": found.epochs,
        "y": finite(found.mean),
        "mode": "lines" if len(found.epochs) > 1 else "markers",
        "line": {"color": colour(contender.place), "dash": dash(contender.place), "width": 2},
        "marker": {"color": colour(contender.place), "symbol": symbol(contender.place)},
        "hovertemplate": "%{fullData.name}<br>epoch %{x}: %{y:" + (".4f" if loss else ".2%") + "}<extra></extra>",
    }
    if max(found.seeds) < 2:
        return [line]
    band = {
        **shared,
        "x": found.epochs + found.epochs[::-1],
        "y": finite(found.high + found.low[::-1]),
        "mode": "lines",
        "fill": "toself",
        "fillcolor": f"{colour(contender.place)}/0.16",
        "line": {"width": 0, "color": colour(contender.place)},
        "hoverinfo": "skip",
    }
    return [band, line]


def _kept(contender: Contender) -> list[Trace]:
    """Return a ring at the validation accuracy of every epoch whose weights were kept."""
    rows = [row for record in contender.records for row in record.epochs if row.epoch == record.best_epoch]
    if not rows:
        return []
    return [
        {
            "meta": contender.place,
            "type": "scatter",
            **WHOLE,
            "name": inert(contender.label),
            "x": [row.epoch for row in rows],
            "y": finite(row.val_accuracy for row in rows),
            "mode": "markers",
            "marker": {
                "symbol": f"{symbol(contender.place)}-open",
                "size": 8,
                "color": colour(contender.place),
                "line": {"width": 1.5},
            },
            "hovertemplate": "%{fullData.name}<br>kept epoch %{x}: %{y:.2%}<extra></extra>",
        }
    ]


def _table(quantity: str, title: str, curves: list[tuple[Contender, Curve]]) -> Table:
    rows: Rows = [
        (Value(contender.label, place=contender.place), str(epoch), *(_shown(quantity, value) for value in figures))
        for contender, found in curves
        for epoch, *figures in _rows(found.thinned(MOST_ROWS))
    ]
    columns = (*text_columns("model"), *number_columns("epoch", "mean", "lowest seed", "highest seed"))
    return Table(f"{title} by epoch", columns, rows)


def _rows(found: Curve) -> list[tuple[int, float, float, float]]:
    return list(zip(found.epochs, found.mean, found.low, found.high, strict=True))


def _shown(quantity: str, value: float) -> str:
    return decimal(value) if quantity.endswith("loss") else percent(value)
