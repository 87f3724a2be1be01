"""The leaderboard as a chart: every model's mean, its interval, its runs, and the group it is tied in."""

from collections.abc import Mapping

from bakeoff.evidence.estimate import Estimate
from bakeoff.evidence.verdict import Verdict
from bakeoff.report.figure import SHARES, WHOLE, Figure, Trace, colour, finite, inert, symbol
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.text import SPACE, interval, percent

ROW, FRAME = 30, 70  # pixels of a model, and of the axis
MOST = 30  # models in the chart, the best ones


def interval_figure(subject: Subject, verdict: Verdict | None) -> Figure | None:
    """Return the chart of the models in a verdict; None where there are fewer than two."""
    if verdict is None or len(verdict.estimates) < 2:
        return None
    of = {contender.label: contender for contender in subject.ranked}
    shown = verdict.estimates[:MOST]
    names = [f"{inert(one.name, 24)}{SPACE}{SPACE}<b>{verdict.letters[one.name]}</b>" for one in shown]
    traces = [trace for row, one in enumerate(shown) for trace in _traces(one, row, of[one.name], verdict.letters)]
    first = verdict.estimates[0]
    fewer = f" The best {MOST} of {len(verdict.estimates)} models." if len(verdict.estimates) > MOST else ""
    return Figure(
        id="intervals",
        title="Test accuracy with 95 % intervals",
        description=f"Mean test accuracy of each model with its interval. The highest: {first.name}, "
        f"{percent(first.mean, 1)} ({interval(first.low, first.high)}). All are in the table below.",
        traces=traces,
        layout={
            "xaxis": {"tickformat": ".1~%", **SHARES},
            "yaxis": {
                "tickvals": list(range(len(shown))),
                "ticktext": names,
                "range": [len(shown) - 0.5, -0.5],
                "showgrid": False,
            },
        },
        note="Bars are 95 % intervals of the mean, small points the runs. Models that share a letter cannot be told "
        f"apart; overlapping bars do not decide that, the tests of pairs do.{fewer}",
        wide=True,
        height=FRAME + ROW * len(shown),
    )


def _traces(one: Estimate, row: int, contender: Contender, letters: Mapping[str, str]) -> list[Trace]:
    shade = colour(contender.place)
    runs = finite([record.metrics["test"]["accuracy"] for record in contender.finished])
    shared = {"type": "scatter", "meta": contender.place, "mode": "markers", **WHOLE}
    group = f"<br>group {letters[one.name]}" if letters[one.name] else ""
    return [
        {
            **shared,
            "x": runs,
            "y": [row] * len(runs),
            "marker": {"color": shade, "symbol": symbol(contender.place), "size": 6, "opacity": 0.45},
            "hovertemplate": "a run: %{x:.2%}<extra></extra>",
        },
        {
            **shared,
            "x": finite([one.mean]),
            "y": [row],
            "error_x": {
                "symmetric": False,
                "array": finite([one.high - one.mean]),
                "arrayminus": finite([one.mean - one.low]),
                "color": shade,
                "thickness": 2,
                "width": 5,
            },
            "marker": {"color": shade, "symbol": symbol(contender.place), "size": 11},
            "hovertemplate": f"%{{x:.2%}} ({interval(one.low, one.high)}){group}<extra></extra>",
        },
    ]
