"""How many times as much each model costs as the best one, and whether that is more than chance."""

from collections.abc import Sequence
from itertools import combinations

from bakeoff.evidence.costs import CostRatio, compare_costs, corrected
from bakeoff.evidence.letters import compact_letters
from bakeoff.report.prices import Price
from bakeoff.report.subject import Contender
from bakeoff.report.table import Column, Rows, Table, Value, text_columns
from bakeoff.report.text import NONE, probability

MOST = 20  # models whose pairs are all tested
JUDGED = (
    Column("95 % interval", note="of the ratio; none where a model ran once"),
    Column(
        "p, corrected",
        note="of a ratio of 1, by Welch's test of the logarithms and Holm's method",
    ),
)


def cost_letters(ranked: Sequence[Contender], price: Price) -> dict[str, str]:
    """Return letters that two models share where a cost does not tell them apart; none for those that ran once."""
    costs = {one.label: found for one in ranked if len(found := price.per_run(one)) > 1}
    if not price.varies or not 1 < len(costs) <= MOST:
        return {}
    names = sorted(costs, key=lambda name: price.sign * sum(costs[name]) / len(costs[name]))
    ratios = corrected(compare_costs(one, other, costs[one], costs[other]) for one, other in combinations(names, 2))
    different = [(ratio.first, ratio.second) for ratio in ratios if ratio.different]
    return compact_letters(names, different)


def ratio_table(ranked: Sequence[Contender], price: Price) -> Table | None:
    """Return the ratios of a cost to that of the model that ranks first; None without two to compare."""
    priced = [(contender, costs) for contender in ranked if (costs := price.per_run(contender))]
    if len(priced) < 2:
        return None
    (first, base), *others = priced
    ratios = corrected(compare_costs(contender.label, first.label, costs, base) for contender, costs in others)
    rows: Rows = [
        (
            Value(contender.label, place=contender.place),
            Value(price.mean(contender), sum(costs) / len(costs)),
            Value(f"{ratio.ratio:.3g}", ratio.ratio),
            *((_interval(ratio), probability(ratio.adjusted)) if price.varies else ()),
        )
        for (contender, costs), ratio in zip(others, ratios, strict=True)
    ]
    of_means = ", of geometric means over runs" if price.varies else "; it is the same in every run"
    columns = (
        *text_columns("model"),
        Column(price.title, note="mean over runs" if price.varies else price.note),
        Column("ratio", note=f"to {first.label}{of_means}"),
        *(JUDGED if price.varies else ()),
    )
    note = "Other programs on the machine move this; runs are taken to be independent." if price.varies else ""
    return Table(f"{price.title[0].upper()}{price.title[1:]} against {first.label}", columns, rows, note)


def _interval(ratio: CostRatio) -> str:
    return NONE if ratio.low is None or ratio.high is None else f"{ratio.low:.3g} to {ratio.high:.3g}"
