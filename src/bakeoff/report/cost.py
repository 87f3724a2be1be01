"""Accuracy against what it costs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from bakeoff.evidence.pareto import pareto, pareto_of
from bakeoff.evidence.verdict import Verdict
from bakeoff.report.cost_ratios import ratio_table
from bakeoff.report.figure import SHARES, WHOLE, Figure, Trace, colour, finite, inert, symbol
from bakeoff.report.prices import Price, known
from bakeoff.report.subject import Contender
from bakeoff.report.table import Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import SPACE, join, percent, short

MOST_LABELS = 12  # contenders up to which their names stand in the figure

Points = list[tuple[float, float]]


@dataclass(frozen=True)
class CostView:
    """One kind of cost: accuracy against it, and its ratios between models."""

    price: Price
    figure: Figure
    ratios: Table | None


def cost_views(
    ranked: Sequence[Contender], verdict: Verdict | None = None, target: float | None = None
) -> list[CostView]:
    """Return test accuracy against every kind of cost that two or more models have.

    With a verdict, those are named that may be worth their cost by its evidence; with a target, reaching that
    validation accuracy is a cost, too.
    """
    prices = known(ranked, target)
    views = [CostView(price, _figure(price, ranked, verdict), ratio_table(ranked, price)) for price in prices]
    return [view for view in views if len({trace["meta"] for trace in view.figure.traces} - {None}) > 1]


def _figure(price: Price, ranked: Sequence[Contender], verdict: Verdict | None) -> Figure:
    title = f"Test accuracy and {price.title}"
    priced = [(contender, points) for contender in ranked if (points := _points(contender, price))]
    best = f" The highest, {percent(priced[0][0].accuracy)}, is {priced[0][0].label}'s." if priced else ""
    costs = [cost for _, points in priced for cost, _ in points]
    rough = any(price.estimated(record) for contender, _ in priced for record in contender.finished)
    middle = math.sqrt(min(costs) * max(costs)) if costs else 0.0
    sides = _sides([contender for contender, _ in priced])
    return Figure(
        id=f"accuracy-{price.id}",
        title=title,
        description=f"Test accuracy against {price.axis}, a point per model and a smaller one per run.{best}",
        traces=[
            trace
            for contender, points in priced
            for trace in _traces(
                contender, points, middle, sides[contender.label] if len(priced) <= MOST_LABELS else ""
            )
        ]
        + [_front(price, priced)],
        layout={
            "xaxis": {
                "title": {"text": price.axis + (", estimated" if rough else "")},
                "tickformat": price.ticks,
                **_scale(costs),
            },
            "yaxis": {"tickformat": ".1~%", **SHARES},
        },
        note=f"Up and to the {'right' if price.more else 'left'} is better. {_marks(priced)}The line joins the models "
        "that no other beats in one without losing in the other, in the mean."
        f"{_worth(price, priced, verdict)}{_left_out(ranked, priced)}",
        wide=True,
        table=_table(title, price, [contender for contender, _ in priced]),
    )


def _marks(priced: Sequence[tuple[Contender, Points]]) -> str:
    """Say what bars and small points are, where there are any."""
    repeated = any(len(points) > 1 for _, points in priced)
    return "Bars are the standard deviation over runs, small points the runs. " if repeated else ""


def _means(priced: Sequence[tuple[Contender, Points]]) -> dict[str, float]:
    return {contender.label: math.fsum(cost for cost, _ in points) / len(points) for contender, points in priced}


def _front(price: Price, priced: Sequence[tuple[Contender, Points]]) -> Trace:
    """Return the line through the Pareto front of the means."""
    cost, score = _means(priced), {contender.label: contender.accuracy for contender, _ in priced}
    front = pareto(score, {name: price.sign * mean for name, mean in cost.items()})
    return {
        "type": "scatter",
        "mode": "lines",
        "meta": None,
        "x": finite([cost[name] for name in front]),
        "y": finite([score[name] for name in front]),
        "line": {"color": "var(--edge)", "width": 1.5, "dash": "dot", "shape": "hv"},
        "hoverinfo": "skip",
    }


def _worth(price: Price, priced: Sequence[tuple[Contender, Points]], verdict: Verdict | None) -> str:
    """Say which models no cheaper one beats by the evidence, of those that have the price."""
    cost = {name: price.sign * mean for name, mean in _means(priced).items()}
    if verdict is None or len(cost) < 2 or not cost.keys() <= {estimate.name for estimate in verdict.estimates}:
        return ""
    verdict = verdict.only(cost.keys())
    names = [short(name, 24) for name in pareto_of(verdict, cost)]
    return f" By the evidence, these may be worth their cost: {join(names)}."


def _left_out(ranked: Sequence[Contender], priced: Sequence[tuple[Contender, Points]]) -> str:
    """Say which models are not drawn."""
    drawn = {contender.label for contender, _ in priced}
    without = [short(one.label, 24) for one in ranked if one.label not in drawn]
    return f" Left out, as not all of their runs have this cost: {join(without)}." if without else ""


def _scale(costs: Sequence[float]) -> dict[str, object]:
    """Return a logarithmic axis with as many ticks as there is room for, or a linear one where costs are alike."""
    ratio = max(costs) / min(costs) if costs else 1.0
    if ratio < 2:
        return {}
    return {"type": "log", "dtick": "D1" if ratio < 4 else "D2" if ratio < 300 else 1}


def _points(contender: Contender, price: Price) -> Points:
    """Return price and accuracy of every finished run; nothing unless all can stand on a logarithmic axis."""
    costs = price.per_run(contender)
    accuracies = [record.metrics["test"]["accuracy"] for record in contender.finished]
    sound = costs and min(costs) > 0 and all(map(math.isfinite, accuracies))
    return [(cost / price.unit, of) for cost, of in zip(costs, accuracies, strict=True)] if sound else []


def _sides(contenders: Sequence[Contender]) -> dict[str, str]:
    """Return for each model whether the next accuracy is farther above it or below it: its name has room there.

    Names of neighbours then never meet but in the widest gaps, however narrow the figure is.
    """
    ordered = sorted(contenders, key=lambda contender: -contender.accuracy)
    levels = [math.inf, *(contender.accuracy for contender in ordered), -math.inf]
    return {
        contender.label: "top"
        if levels[place] - levels[place + 1] >= levels[place + 1] - levels[place + 2]
        else "bottom"
        for place, contender in enumerate(ordered)
    }


def _traces(contender: Contender, points: Points, middle: float, vertical: str) -> list[Trace]:
    """Return the runs as small points where there are several, and their mean as a large one.

    Names stand on the side of the figure's `middle`, where there is room for them, above or below the point; without
    a `vertical` side there are none.
    """
    costs, accuracies = zip(*points, strict=True)
    mean = math.fsum(costs) / len(costs)
    shared = {"meta": contender.place, "type": "scatter", "name": inert(contender.label), **WHOLE}
    marker = {"color": colour(contender.place), "symbol": symbol(contender.place)}
    runs = {
        **shared,
        "x": finite(costs),
        "y": finite(accuracies),
        "mode": "markers",
        "marker": {**marker, "size": 6, "opacity": 0.5},
        "hovertemplate": "%{fullData.name}, a run<br>%{x:,.4~g}: %{y:.2%}<extra></extra>",
    }
    whole_model = {
        **shared,
        "x": finite([mean]),
        "y": finite([contender.accuracy]),
        "error_y": {"array": finite([contender.figures["test_accuracy_std"]]), "color": colour(contender.place)},
        "mode": "markers+text" if vertical else "markers",
        "text": [f"{SPACE}{inert(contender.label, 24)}{SPACE}"],
        "textposition": f"{vertical or 'top'} {'right' if mean < middle else 'left'}",
        "marker": {**marker, "size": 12},
        "cliponaxis": False,  # else the name of the best model is cut off at the top
        "hovertemplate": "%{fullData.name}<br>%{x:,.4~g}: %{y:.2%}<extra></extra>",
    }
    return [runs, whole_model] if len(points) > 1 else [whole_model]


def _table(title: str, price: Price, ranked: Sequence[Contender]) -> Table:
    columns = (*text_columns("model"), *number_columns("seed", price.title, "test accuracy"))
    rows: Rows = [
        (
            Value(contender.label, place=contender.place),
            record.spec.turn.removeprefix("seed "),
            Value(price.mean_of([record]), price.of(record)),
            percent(record.metrics["test"]["accuracy"]),
        )
        for contender in ranked
        for record in contender.finished
    ]
    return Table(f"{title}, run by run", columns, rows)
