"""`bakeoff diff`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakeoff.evidence.compare import Comparison
    from bakeoff.evidence.costs import CostRatio


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="The output folder of a comparison, or that of one run.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="Another.")],
) -> None:
    """Say in what two comparisons or two runs differ: settings, seeds, versions, accuracy and costs."""
    from bakeoff.cli.console import name, out
    from bakeoff.result import diff as difference

    found = difference(a, b)
    for setting in found.settings:
        out.print(name(setting))
    if not found.settings:
        out.print("The settings are the same.")
    if found.comparisons:
        _print_table(found.comparisons)
    if any(found.costs.values()):
        _print_costs(found.costs)
    reasons = [found.reason, *dict.fromkeys(pair.reason for pair in found.comparisons.values())]
    for reason in filter(None, reasons):
        out.print(f"\n{name(reason)}")
    if found.only:
        out.print(f"\n{name('Finished in one of them alone: ' + ', '.join(found.only) + '.')}")


def _print_table(comparisons: "Mapping[str, Comparison]") -> None:
    from rich.table import Table

    from bakeoff.cli.console import name, out

    table = Table(box=None, pad_edge=False)
    for column in ("model", "difference", "95 % interval", "p, corrected", ""):
        table.add_column(column, justify="left" if column in ("model", "") else "right")
    for model, pair in comparisons.items():
        table.add_row(
            name(model),
            f"{100 * pair.difference:+.2f} points",
            "–" if pair.low is None or pair.high is None else f"{100 * pair.low:+.2f} to {100 * pair.high:+.2f}",
            "–" if pair.adjusted is None else "< 0.001" if pair.adjusted < 0.001 else f"{pair.adjusted:.3f}",
            "differs" if pair.different else "not tested" if pair.reason else "too close to call",
        )
    out.print()
    out.print(table)


def _print_costs(costs: "Mapping[str, Mapping[str, CostRatio]]") -> None:
    from rich.table import Table

    from bakeoff.cli.console import name, out

    table = Table(box=None, pad_edge=False)
    for column in ("model", "cost", "ratio A to B", "95 % interval"):
        table.add_column(column, justify="left" if column in ("model", "cost") else "right")
    for model, of in costs.items():
        for cost, ratio in of.items():
            known = None not in (ratio.low, ratio.high)
            sure = "exact" if ratio.low == ratio.high else f"{ratio.low:.3g} to {ratio.high:.3g}"
            table.add_row(name(model), cost, f"{ratio.ratio:.3g}", sure if known else "one run cannot tell")
    out.print()
    out.print(table)
