"""`bakeoff diff`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bakeoff.evidence.compare import Comparison


def diff(
    a: Annotated[Path, typer.Argument(metavar="A", help="The output folder of a comparison.")],
    b: Annotated[Path, typer.Argument(metavar="B", help="That of another.")],
) -> None:
    """Say in what two comparisons differ: in their settings, and in the accuracy of the models that both have."""
    from bakeoff.cli.console import name, out
    from bakeoff.result import load
    from bakeoff.study.difference import Side, difference

    results = [load(folder) for folder in (a, b)]
    names = ("A", "B") if a.name == b.name else (a.name, b.name)
    sides = [
        Side(label, result.about, result.runs, result.predictions) for label, result in zip(names, results, strict=True)
    ]
    found = difference(*sides)
    for setting in found.settings:
        out.print(name(setting))
    if not found.settings:
        out.print("The settings are the same.")
    out.print()
    if found.comparisons:
        _print_table(found.comparisons)
    if found.reason:
        out.print(name(found.reason))
    if found.only:
        out.print(name(f"Only in one of them: {', '.join(found.only)}."))


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
            "differs" if pair.different else name(pair.reason) or "too close to call",
        )
    out.print(table)
