"""How many seeds a difference needs, drawn."""

from bakeoff.evidence.power import Spread, detectable
from bakeoff.evidence.verdict import Verdict
from bakeoff.report.answers import TestAnswers, answered
from bakeoff.report.figure import Figure, Trace, finite
from bakeoff.report.subject import Subject
from bakeoff.report.table import Rows, Table, number_columns
from bakeoff.report.text import NONE, join
from bakeoff.study.spread import measured_spread

SEEDS = (2, 3, 4, 5, 7, 10, 15, 20, 30, 50)
TICKS = (2, 3, 5, 10, 20, 50)
MOST = 100.0  # points that two accuracies can differ by
WANTED = ((0.95, "solid"), (0.8, "dash"), (0.5, "dot"))


def power_of(subject: Subject, test: TestAnswers, verdict: Verdict | None) -> Figure | None:
    """Return the curves by the spread of a study's own models; None where its runs do not tell it, and with folds."""
    if verdict is None or test.folding:
        return None
    shown = [one for one in answered(subject, test) if one.label in verdict.letters]
    right = {one.label: test.of[one.place].predicted == test.labels for one in shown}
    found = measured_spread(right)
    if found.spread is None:
        return None
    tests = sum(pair.p_value is not None for pair in verdict.comparisons)
    source = "By the spread of this study's models"
    return power_figure(
        found.spread, verdict.images, tests, f"{source}: {found.doubt}" if found.doubt else f"{source}."
    )


def power_figure(spread: Spread, images: int, tests: int, source: str) -> Figure:
    """Return the curves of the seeds of each model that it takes to find a difference in accuracy.

    Args:
        spread: of a typical pair of models.
        images: in the test set.
        tests: pairs that are compared; the strictest step of Holm's correction holds for all.
        source: where the spread is from, in a sentence.
    """
    alpha = 0.05 / max(1, tests)
    found = {
        wanted: [100 * detectable(seeds, spread, images, alpha=alpha, wanted=wanted) for seeds in SEEDS]
        for wanted, _ in WANTED
    }
    each = f", divided by {tests} pairs of models" if tests > 1 else ""
    at = {seeds: _said(points) for seeds, points in zip(SEEDS, found[0.8], strict=True)}
    return Figure(
        id="power",
        title="Seeds that a difference needs",
        description="Seeds of each model against the difference in accuracy that they find. In 8 of 10 cases "
        f"{join([f'{seeds} seeds find {at[seeds]}' for seeds in (3, 5, 10)])}.",
        traces=[_trace(wanted, dash, found[wanted]) for wanted, dash in WANTED],
        layout={
            "xaxis": {"title": {"text": "true difference, points"}, "type": "log", "dtick": "D2", "tickformat": ",~g"},
            "yaxis": {
                "title": {"text": "seeds of each model"},
                "type": "log",
                "tickvals": list(TICKS),
                "ticktext": [str(seeds) for seeds in TICKS],
            },
            "showlegend": True,
        },
        note=f"For {images:,} test images and a test at the 5 % level{each}. {source}",
        table=_table(found),
    )


def _trace(wanted: float, dash: str, differences: list[float]) -> Trace:
    known = [(points, seeds) for points, seeds in zip(differences, SEEDS, strict=True) if points <= MOST]
    return {
        "type": "scatter",
        "mode": "lines+markers",
        "meta": None,
        "name": f"found in {100 * wanted:.0f} % of cases",
        "x": finite([points for points, _ in known], 4),
        "y": [seeds for _, seeds in known],
        "line": {"color": "var(--c0)", "dash": dash, "width": 1.5},
        "marker": {"color": "var(--c0)", "size": 5},
        "hovertemplate": "%{y} seeds find %{x:.3~g} points<br>%{fullData.name}<extra></extra>",
    }


def _table(found: dict[float, list[float]]) -> Table:
    columns = number_columns("seeds of each model", *(f"points found in {100 * wanted:.0f} %" for wanted in found))
    rows: Rows = [
        (str(seeds), *(_points(differences[row]) for differences in found.values())) for row, seeds in enumerate(SEEDS)
    ]
    return Table("Seeds that a difference needs", columns, rows)


def _said(difference: float) -> str:
    return f"{_points(difference)} points" if difference <= MOST else "no difference"


def _points(difference: float) -> str:
    return f"{difference:.2f}" if difference <= MOST else NONE
