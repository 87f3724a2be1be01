"""Class by class: where the two best models differ, with the evidence."""

from collections.abc import Mapping

from bakeoff.evidence.compare import Comparison
from bakeoff.evidence.per_class import class_differences
from bakeoff.evidence.verdict import Verdict
from bakeoff.report.answers import TestAnswers
from bakeoff.report.figure import Figure, finite, inert
from bakeoff.report.subject import Subject
from bakeoff.report.table import Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import interval, probability, short, signed

MOST = 20  # classes, those with the smallest p-values
ROW, FRAME = 24, 80  # pixels


def class_difference_figure(subject: Subject, test: TestAnswers, verdict: Verdict | None) -> Figure | None:
    """Return the differences of the two models with the highest means; None where they cannot be compared.

    Nor are classes compared over folds, which share training images: the test of classes is for independent runs.
    """
    if verdict and verdict.folds:
        return None
    tested = [estimate.name for estimate in verdict.estimates if verdict.letters[estimate.name]] if verdict else []
    if len(tested) < 2:
        return None
    place = {contender.label: contender.place for contender in subject.ranked}
    first, second = tested[:2]
    a, b = (test.of[place[name]].predicted == test.labels for name in (first, second))
    found = class_differences(first, second, a, b, test.labels, subject.class_names)
    known = {name: pair for name, pair in found.items() if pair.p_value is not None}
    if not known:
        return None
    chosen = sorted(known, key=lambda name: (known[name].p_value, name))[:MOST]
    shown = {name: pair for name, pair in known.items() if name in chosen}
    called = [name for name, pair in known.items() if pair.different]
    says = f"They differ in {len(called)} of {len(known)} classes" if called else "No class tells them apart"
    fewer = f" The {MOST} classes with the smallest p-values." if len(known) > MOST else ""
    return Figure(
        id="class-differences",
        title=f"{short(first, 24)} against {short(second, 24)}, class by class",
        description=f"Difference in recall of {first} and {second} in each class. {says}, after Holm's correction.",
        traces=[_trace(shown)],
        layout={
            "xaxis": {
                "title": {"text": f"points in favour of {inert(first, 24)}"},
                "zeroline": True,
                "zerolinecolor": "var(--edge)",
            },
            "yaxis": {
                "tickvals": list(range(len(shown))),
                "ticktext": [inert(name, 16) for name in shown],
                "autorange": "reversed",
                "showgrid": False,
            },
        },
        note=f"Difference in recall with 95 % intervals, each by itself. {says} after Holm's correction over classes; "
        f"filled points do.{fewer}",
        height=FRAME + ROW * len(shown),
        table=_table(first, second, shown),
    )


def _trace(shown: Mapping[str, Comparison]) -> dict[str, object]:
    pairs = list(shown.values())
    assert all(pair.low is not None and pair.high is not None for pair in pairs)
    return {
        "type": "scatter",
        "mode": "markers",
        "x": finite([100 * pair.difference for pair in pairs]),
        "y": list(range(len(pairs))),
        "error_x": {
            "symmetric": False,
            "array": finite([100 * ((pair.high or 0) - pair.difference) for pair in pairs]),
            "arrayminus": finite([100 * (pair.difference - (pair.low or 0)) for pair in pairs]),
            "color": "var(--edge)",
        },
        "marker": {
            "size": 9,
            "color": "var(--accent)",
            "symbol": ["circle" if pair.different else "circle-open" for pair in pairs],
        },
        "customdata": [probability(pair.adjusted) for pair in pairs],
        "hovertemplate": "%{y}: %{x:.1f} points, corrected p %{customdata}<extra></extra>",
    }


def _table(first: str, second: str, shown: Mapping[str, Comparison]) -> Table:
    columns = (*text_columns("class"), *number_columns("difference", "95 % interval", "p", "p, corrected"))
    rows: Rows = [
        (
            short(name, 60),
            Value(signed(pair.difference, 1), pair.difference),
            Value(interval(pair.low, pair.high), pair.low),
            Value(probability(pair.p_value), pair.p_value),
            Value(probability(pair.adjusted), pair.adjusted),
        )
        for name, pair in shown.items()
    ]
    return Table(f"Recall of {first} minus that of {second}, in points", columns, rows)
