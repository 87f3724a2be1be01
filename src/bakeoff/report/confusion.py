"""Which classes are taken for which: heat maps up to a hundred classes, and the most frequent pairs for any number."""

import numpy as np

from bakeoff.data.imageset import IntArray
from bakeoff.report.figure import Figure, Trace, finite, inert
from bakeoff.report.table import Rows, Table, number_columns, text_columns
from bakeoff.report.text import percent, short, whole

NUMBERED = 20  # classes up to which the counts stand in the cells, and in a table
SMALL = 12  # classes up to which a heat map takes half the width of the page
LABELLED = 50  # classes up to which their names stand at the axes
MOST_CLASSES = 100
MOST_CELLS = 40_000  # of all heat maps of a report
MOST_PAIRS = 15
HOVER = "actual %{y}<br>predicted %{x}<br>%{text} images, %{customdata:.1%} of the class<extra></extra>"
SCALE = [
    [0, "var(--wrong-high)"],
    [0.5, "var(--wrong-low)"],
    [0.5, "var(--right-low)"],
    [1, "var(--right-high)"],
]


def heat_maps(classes: int) -> int:
    """Return for how many models a heat map is drawn."""
    return MOST_CELLS // classes**2 if classes <= MOST_CLASSES else 0


def confusion_figure(place: int, label: str, counts: IntArray, names: tuple[str, ...], runs: int) -> Figure:
    """Return the heat map of a model.

    Args:
        place: of the model.
        label: its name.
        counts: images of the class of the row that were taken for the class of the column, added up over the runs.
        names: of the classes.
        runs: how many were added up.
    """
    ticks = {
        "tickvals": list(range(len(names))),
        "ticktext": [inert(name, 16) for name in names],
        "tickfont": {"size": 12 if len(names) <= SMALL else 10},
        "ticks": "outside" if len(names) <= LABELLED else "",
        "showticklabels": len(names) <= LABELLED,  # the others are said when pointed at
        "constrain": "domain",
        "showgrid": False,
    }
    numbers = "Numbers are images" if len(names) <= NUMBERED else "Point at a cell to see how many images it holds"
    added = f"; {runs} seeds are added up, so that each image counts {runs} times" if runs > 1 else ""
    return Figure(
        id=f"confusion-{place}",
        title=f"Confusion matrix of {short(label, 24)}",
        description=f"Confusion matrix of {label}. {_worst(counts, names)}",
        traces=[_trace(counts, numbered=len(names) <= NUMBERED)],
        layout={
            "xaxis": {"title": {"text": "predicted"}, **ticks},
            "yaxis": {"title": {"text": "actual"}, **ticks, "autorange": "reversed", "scaleanchor": "x"},
        },
        note=f"{numbers}{added}. Blue is right, orange is wrong; the deeper, the larger the share of the class.",
        wide=len(names) > SMALL,
        table=_matrix(counts, names) if len(names) <= NUMBERED else None,
    )


def _trace(counts: IntArray, *, numbered: bool) -> Trace:
    """Return the cells: right ones from 0 to 1, wrong ones from 0 to -1, which is the largest share of them.

    Wrong ones are rare in any model worth looking at; on one scale with the right ones they would not be seen.
    """
    share = counts / counts.sum(1, keepdims=True).clip(1)
    right = np.eye(len(counts), dtype=bool)
    largest = share[~right].max() or 1.0
    shown = np.where(right, share, np.where(counts, -share / largest, np.nan))
    trace: Trace = {
        "type": "heatmap",
        "z": [finite(row, 3) for row in shown],
        "zmin": -1,
        "zmax": 1,
        "colorscale": SCALE,
        "showscale": False,
        "hoverongaps": False,
        "xgap": 1,
        "ygap": 1,
        "text": np.where(right | (counts > 0), counts.astype(str), "").tolist(),
        "customdata": [finite(row, 3) for row in share],
        "hovertemplate": HOVER,
    }
    return {**trace, "texttemplate": "%{text}", "textfont": {"color": "var(--text)"}} if numbered else trace


def confused_pairs(counts: IntArray, names: tuple[str, ...]) -> Table:
    """Return the mistakes that are made most often."""
    mistakes = counts * ~np.eye(len(names), dtype=bool)
    order = np.argsort(-mistakes, axis=None, kind="stable")[:MOST_PAIRS]
    pairs = [(int(cell // len(names)), int(cell % len(names))) for cell in order]
    rows: Rows = [
        (
            short(names[actual], 60),
            short(names[taken], 60),
            whole(mistakes[actual, taken]),
            percent(mistakes[actual, taken] / counts[actual].sum(), 1),
        )
        for actual, taken in pairs
        if mistakes[actual, taken]
    ]
    columns = (*text_columns("actual", "predicted"), *number_columns("images", "of the class"))
    return Table("Most frequent mistakes", columns, rows)


def _worst(counts: IntArray, names: tuple[str, ...]) -> str:
    pairs = confused_pairs(counts, names).rows
    if not pairs:
        return "No image is taken for another class."
    actual, taken, images, share = pairs[0]
    return f"The most frequent mistake: {actual} taken for {taken}, {images} times, {share} of the class."


def _matrix(counts: IntArray, names: tuple[str, ...]) -> Table:
    shown = [short(name, 24) for name in names]
    rows: Rows = [(name, *map(whole, row)) for name, row in zip(shown, counts, strict=True)]
    return Table(
        "Confusion matrix: actual in rows, predicted in columns",
        (*text_columns("actual"), *number_columns(*shown)),
        rows,
    )
