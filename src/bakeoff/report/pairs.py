"""Every pair of models: the difference, its interval, and whether it is more than chance."""

from bakeoff.evidence.compare import Comparison
from bakeoff.evidence.verdict import Verdict
from bakeoff.report.figure import Figure, Trace, inert
from bakeoff.report.subject import Subject
from bakeoff.report.table import Cell, Column, Rows, Table, Value, text_columns
from bakeoff.report.text import NONE, interval, plural, probability, short, signed

MOST_MODELS = 24  # in the matrix, the best ones
MOST_ROWS = 300  # of the table
NUMBERED = 12  # models up to which the differences stand in the cells
HOLDS = {"procedures": "new trainings", "these trained networks": "these networks only"}
SCALE = [[0, "var(--wrong-high)"], [0.5, "var(--stripe)"], [1, "var(--right-high)"]]


def pair_figure(verdict: Verdict | None) -> Figure | None:
    """Return the matrix of differences; None where no two models are compared."""
    if verdict is None or not verdict.comparisons:
        return None
    names = [estimate.name for estimate in verdict.estimates][:MOST_MODELS]
    labels = [inert(name, 20) for name in names]
    called = sum(pair.different for pair in verdict.comparisons)
    ticks = {"tickvals": list(range(len(names))), "ticktext": labels, "showgrid": False, "constrain": "domain"}
    fewer = (
        f" The best {MOST_MODELS} of {len(verdict.estimates)} models." if len(names) < len(verdict.estimates) else ""
    )
    tests = sum(pair.p_value is not None for pair in verdict.comparisons)
    many = ", given so many pairs (Holm's correction)" * (tests > 1)
    untested = ", or not compared, as one of the two ran once" * (tests < len(verdict.comparisons))
    return Figure(
        id="pairs",
        title="Differences in points, row minus column",
        description=f"Matrix of the differences in test accuracy. Of {plural(len(verdict.comparisons), 'pair')}, "
        f"{called} differ by the corrected test. All are in the table.",
        traces=[_cells(verdict, names)],
        layout={
            "xaxis": {**ticks, "side": "top"},
            "yaxis": {**ticks, "autorange": "reversed", "scaleanchor": "x"},
        },
        note="Blue: the row is better; orange: the column is; grey: not to be told apart"
        f"{many}{untested}. Point at a cell for its interval and p-value.{fewer}",
        height=min(180 + 36 * len(names), 640),
    )


def _cells(verdict: Verdict, names: list[str]) -> Trace:
    """Return a cell for each ordered pair: its sign where it is called, else 0."""
    of = {(pair.first, pair.second): pair for pair in verdict.comparisons}
    cells = [[_cell(of, row, column) for column in names] for row in names]
    return {
        "type": "heatmap",
        "z": [[better for better, _, _ in row] for row in cells],
        "zmin": -1,
        "zmax": 1,
        "colorscale": SCALE,
        "showscale": False,
        "hoverongaps": False,
        "xgap": 2,
        "ygap": 2,
        "text": [[gap for _, gap, _ in row] for row in cells],
        "customdata": [[said for _, _, said in row] for row in cells],
        "hovertemplate": "%{customdata}<extra></extra>",
        **({"texttemplate": "%{text}", "textfont": {"color": "var(--text)"}} if len(names) <= NUMBERED else {}),
    }


def _cell(of: dict[tuple[str, str], Comparison], row: str, column: str) -> tuple[int | None, str, str]:
    """Return whether the row is better (1), worse (-1) or neither; the difference; and what is said of it."""
    if row == column:
        return None, "", ""
    pair = of.get((row, column)) or of[column, row]
    sign = 1 if pair.first == row else -1
    gap = sign * pair.difference
    ends = (
        sorted((sign * pair.low, sign * pair.high)) if pair.low is not None and pair.high is not None else (None, None)
    )
    what = f"{inert(row)} − {inert(column)}: {signed(gap)} points ({interval(*ends)})<br>"
    tested = (
        f"p = {probability(pair.p_value)}, for all pairs {probability(pair.adjusted)}"
        if pair.p_value is not None
        else ""
    )
    better = 0 if not pair.different else 1 if gap > 0 else -1
    return better, signed(gap), what + inert(tested or pair.reason, 200)


def pair_table(subject: Subject, verdict: Verdict | None) -> Table | None:
    """Return the pairs in numbers, those with the best model first; None where no two models are compared."""
    if verdict is None or not verdict.comparisons:
        return None
    place = {contender.label: contender.place for contender in subject.contenders}
    columns = (
        Column("model", numeric=False, note="the one of the two with the higher mean"),
        *text_columns("against"),
        Column("difference", note="of the means, in percentage points"),
        Column("95 % interval", note="of the difference, by itself: not corrected for the number of pairs"),
        Column(
            "chance alone",
            note="p-value: how often runs of two equally good models would differ as much as these or more; for this "
            "pair by itself",
        ),
        Column(
            "chance, all pairs",
            note="adjusted p-value: the same where it counts that many pairs were looked at (Holm's method); a "
            "difference is told apart from chance at 0.05 or below",
        ),
        Column(
            "wins",
            note="probability of superiority: how many of the folds the first has the higher accuracy in"
            if verdict.folds
            else "probability of superiority: of all pairs of runs, one of each model, those in which the first has "
            "the higher accuracy; none of models that ran once",
        ),
        Column("verdict", numeric=False, note="whether the two can be told apart"),
        Column(
            "holds for", numeric=False, note="new trainings, with other seeds: the procedures; or these networks only"
        ),
    )
    rows: Rows = [_row(pair, place) for pair in verdict.comparisons[:MOST_ROWS]]
    fewer = (
        f"The first {MOST_ROWS} of {len(verdict.comparisons):,} pairs. " if len(verdict.comparisons) > MOST_ROWS else ""
    )
    method = sorted({pair.method for pair in verdict.comparisons if pair.p_value is not None})
    return Table("Every pair of models", columns, rows, fewer + f"By {'; '.join(method)}." * bool(method))


def _row(pair: Comparison, place: dict[str, int]) -> tuple[Cell, ...]:
    return (
        Value(pair.first, place=place[pair.first]),
        Value(pair.second, place=place[pair.second]),
        Value(signed(pair.difference, 2), pair.difference),
        Value(interval(pair.low, pair.high, 2), pair.low),
        Value(probability(pair.p_value), pair.p_value),
        Value(probability(pair.adjusted), pair.adjusted),
        # Of two networks one is better on these images, or neither: that is no share of anything.
        f"{100 * pair.superiority:.0f} %" if pair.scope == "procedures" else NONE,
        "differ" if pair.different else "tied" if pair.p_value is not None else NONE,
        short(pair.reason, 200) if pair.reason else HOLDS[pair.scope],
    )
