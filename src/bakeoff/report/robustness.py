"""How models do on corrupted test images."""

import math
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from bakeoff.data.corruptions import CORRUPTIONS, SEVERITIES
from bakeoff.records.run import RunRecord
from bakeoff.report.figure import SHARES, WHOLE, Figure, Trace, colour, dash, finite, inert, symbol
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.table import Column, Rows, Table, Value, text_columns
from bakeoff.report.text import percent, plural, points, short, signed, spread
from bakeoff.study.afterwards import unmeasured

AGAIN = "The same bakeoff compare command judges what is missing; nothing is trained for it."

Level = tuple[str, Callable[[RunRecord], float]]  # of a figure: its name, and a run's accuracy there


def corrupted(ranked: Sequence[Contender]) -> list[tuple[Contender, tuple[RunRecord, ...]]]:
    """Return the models with runs that were judged on corrupted images, and these runs."""
    found = [(one, tuple(run for run in one.finished if run.corrupted_accuracy is not None)) for one in ranked]
    return [(one, runs) for one, runs in found if runs]


def robustness_figures(ranked: Sequence[Contender]) -> list[Figure]:
    """Return accuracy by the kind of corruption, and by its severity; nothing where none was judged."""
    judged = corrupted(ranked)
    if not judged:
        return []
    kinds: list[Level] = [("clean", _clean), *((name, _of_kind(name)) for name in CORRUPTIONS)]
    degrees: list[Level] = [("clean", _clean), *((str(degree), _of_severity(degree)) for degree in SEVERITIES)]
    return [
        _figure("robustness-kinds", "Accuracy by corruption", kinds, judged, lines=False),
        _figure("robustness-severities", "Accuracy by severity", degrees, judged, lines=True),
    ]


def robustness_table(ranked: Sequence[Contender]) -> Table | None:
    """Return clean and corrupted accuracy of every model and what is lost; None where none was judged."""
    judged = corrupted(ranked)
    if not judged:
        return None
    best = max(_mean(_corrupted(run) for run in runs) for _, runs in judged)
    rows: Rows = []
    for contender, runs in judged:
        values = [_corrupted(run) for run in runs]
        drops = [_clean(run) - value for run, value in zip(runs, values, strict=True)]
        mean, deviation = _mean(values), _deviation(values)
        rows.append(
            (
                Value(contender.label, place=contender.place),
                percent(_mean(map(_clean, runs))),
                Value(spread(mean, deviation), mean, mark=mean == best and len(judged) > 1),
                Value(points(_mean(drops)) + _plus_minus(_deviation(drops)), _mean(drops)),
                *(percent(_mean(map(_of_kind(name), runs)), 1) for name in CORRUPTIONS),
                str(len(runs)),
            )
        )
    columns = (
        *text_columns("model"),
        Column("clean"),
        Column("corrupted", note="mean over corruptions and severities ± standard deviation over runs"),
        Column("drop", note="of the mean, from clean to corrupted images, ± standard deviation over runs"),
        *(Column(name, note="mean over severities") for name in CORRUPTIONS),
        Column("runs", note="that were judged so"),
    )
    return Table("Test accuracy on corrupted images", columns, rows)


def not_judged(subject: Subject) -> tuple[str, ...]:
    """Say which finished runs lack the figures that were asked for, why, and how to get them; nothing if none does."""
    if not subject.protocol.robustness:
        return ()
    names = {record.run_id: one.run_label(record) for one in subject.ranked for record in one.finished}
    failed = unmeasured(subject.records, subject.events)
    said = [
        f"{names[record.run_id]}: could not be judged on corrupted images: {short(why, 300)}" for record, why in failed
    ]
    left = sum(run.corrupted_accuracy is None for one in subject.ranked for run in one.finished) - len(failed)
    if left:
        said.append(
            f"{plural(left, 'finished run')} {'is' if left == 1 else 'are'} not yet judged on corrupted images."
        )
    return (*said, AGAIN) if said else ()


def _figure(
    identifier: str,
    title: str,
    levels: Sequence[Level],
    judged: Sequence[tuple[Contender, tuple[RunRecord, ...]]],
    *,
    lines: bool,
) -> Figure:
    lowest = min(judged, key=lambda pair: _mean(map(_corrupted, pair[1])))[0]
    return Figure(
        id=identifier,
        title=title,
        description=f"{title} of {len(judged)} models, from clean to corrupted; {lowest.label} is lowest on the whole. "
        "The numbers are in the table.",
        traces=[_trace(contender, levels, runs, lines=lines) for contender, runs in judged],
        layout={
            "xaxis": {"tickvals": list(range(len(levels))), "ticktext": [name for name, _ in levels]},
            "yaxis": {"tickformat": ".2~%", **SHARES},
        },
        note="Means over runs, and over severities or corruptions; bars are the standard deviation over runs.",
    )


def _trace(contender: Contender, levels: Sequence[Level], runs: Sequence[RunRecord], *, lines: bool) -> Trace:
    values = [[read(run) for run in runs] for _, read in levels]
    shade = colour(contender.place)
    return {
        "meta": contender.place,
        "type": "scatter",
        **WHOLE,
        "name": inert(contender.label),
        "mode": "lines+markers" if lines else "markers",
        "x": list(range(len(levels))),
        "text": [name for name, _ in levels],
        "y": finite(map(_mean, values)),
        "error_y": {"array": finite(map(_deviation, values)), "color": shade},
        "line": {"color": shade, "dash": dash(contender.place), "width": 1.5},
        "marker": {"color": shade, "symbol": symbol(contender.place), "size": 9},
        "hovertemplate": "%{fullData.name}, %{text}: %{y:.2%}<extra></extra>",
    }


def _clean(run: RunRecord) -> float:
    return run.metrics["test"]["accuracy"]


def _corrupted(run: RunRecord) -> float:
    found = run.corrupted_accuracy
    return math.nan if found is None else found


def _of_kind(name: str) -> Callable[[RunRecord], float]:
    return lambda run: _mean(run.metrics["robustness"][f"{name}.{severity}"] for severity in SEVERITIES)


def _of_severity(severity: int) -> Callable[[RunRecord], float]:
    return lambda run: _mean(run.metrics["robustness"][f"{name}.{severity}"] for name in CORRUPTIONS)


def _mean(values: Iterable[float]) -> float:
    return float(np.mean(list(values)))


def _deviation(values: Sequence[float]) -> float | None:
    return float(np.std(values, ddof=1)) if len(values) > 1 else None


def _plus_minus(deviation: float | None) -> str:
    return "" if deviation is None else f" ± {signed(deviation)}"
