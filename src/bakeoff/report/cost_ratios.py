"""How many times as much each model costs to train as the best one, and whether that is more than chance."""

from collections.abc import Sequence

from bakeoff.evidence.costs import CostRatio, compare_costs
from bakeoff.evidence.holm import holm
from bakeoff.report.subject import Contender
from bakeoff.report.table import Column, Rows, Table, Value, text_columns
from bakeoff.report.text import NONE, duration, probability


def ratio_table(ranked: Sequence[Contender]) -> Table | None:
    """Return the ratios of training seconds to those of the model that ranks first; None without two to compare."""
    priced = [(contender, seconds) for contender in ranked if (seconds := _seconds(contender))]
    if len(priced) < 2:
        return None
    (first, base), *others = priced
    ratios = [compare_costs(contender.label, first.label, seconds, base) for contender, seconds in others]
    adjusted = iter(holm([ratio.p_value for ratio in ratios if ratio.p_value is not None]))
    rows: Rows = [
        (
            Value(contender.label, place=contender.place),
            Value(duration(mean := sum(seconds) / len(seconds)), mean),
            Value(f"{ratio.ratio:.3g}", ratio.ratio),
            _interval(ratio),
            NONE if ratio.p_value is None else probability(next(adjusted)),
        )
        for (contender, seconds), ratio in zip(others, ratios, strict=True)
    ]
    columns = (
        *text_columns("model"),
        Column("training", note="mean over runs"),
        Column("ratio", note=f"to {first.label}, of geometric means over runs"),
        Column("95 % interval", note="of the ratio; none where a model ran once"),
        Column("p, corrected", note="of a ratio of 1, by Welch's test of the logarithms and Holm's method"),
    )
    note = "Other programs on the machine move these times; runs are taken to be independent."
    return Table(f"Training time against {first.label}", columns, rows, note)


def _seconds(contender: Contender) -> list[float]:
    """Return the seconds of the finished runs, or nothing where one is not known."""
    seconds = [record.cost.training_seconds if record.cost else 0.0 for record in contender.finished]
    return seconds if all(second > 0 for second in seconds) else []


def _interval(ratio: CostRatio) -> str:
    return NONE if ratio.low is None or ratio.high is None else f"{ratio.low:.3g} to {ratio.high:.3g}"
