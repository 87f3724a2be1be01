"""`bakeoff leaderboard`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.result import Result


FORMAT = "table, which folds in a terminal and not in a pipe; md, for documents; csv or json, for programs."


ROOMY = 96  # characters in a line, from which on a table has more of the costs


class Format(StrEnum):
    """How a leaderboard is printed."""

    TABLE = "table"
    MD = "md"
    CSV = "csv"
    JSON = "json"


def leaderboard(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="The output folder of a comparison.")],
    format: Annotated[Format, typer.Option(help=FORMAT)] = Format.TABLE,
) -> None:
    """Print the ranking of a comparison: mean and 95 % interval, which models are tied, and cost."""
    from bakeoff.cli.console import echo
    from bakeoff.export.tables import as_csv, as_json
    from bakeoff.report.markdown import leaderboard as as_markdown
    from bakeoff.result import load

    result = load(folder)
    if format is Format.TABLE:
        print_table(result.leaderboard())
        print_judgement(result)
    elif format is Format.MD:
        echo(as_markdown(result.subject()))
    else:
        echo((as_csv if format is Format.CSV else as_json)(result.leaderboard()))


def print_judgement(result: "Result") -> None:
    """Print what the runs prove, in sentences."""
    from bakeoff.cli.console import name, out
    from bakeoff.report.brief import findings

    out.print()
    for sentence in findings(result.judgement(), result.runs):
        out.print(name(sentence))


def print_table(table: "pd.DataFrame") -> None:
    """Print a leaderboard for a person. Models that share a letter cannot be told apart."""
    from rich.table import Table

    from bakeoff.cli.console import duration, milliseconds, name, out, percent, quantity

    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    several = len({row["recipe"] for row in rows}) > 1
    words = ("model", "recipe", "group") if several else ("model", "group")
    drawn = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    roomy = out.width >= ROOMY
    costs = ("params", "MACs", "latency") if roomy else ("params",)
    plain = any(row["test_plain_accuracy_mean"] == row["test_plain_accuracy_mean"] for row in rows)  # not nan
    figures = (*["plain accuracy"] * plain, "val accuracy", *costs, "training", "runs")
    for column in ("", *words[:-1], "test accuracy", "95 % interval", "group", *figures):
        left, whole = column in words, column in ("", "95 % interval", "training")
        drawn.add_column(column, justify="left" if left else "right", no_wrap=whole, overflow="fold")
    accuracies = [row["test_accuracy_mean"] for row in rows]
    for row in rows:
        rank = 1 + sum(accuracy > row["test_accuracy_mean"] for accuracy in accuracies)
        low, high = row["test_accuracy_low"], row["test_accuracy_high"]
        failed = f", {row['failed']} failed" if row["failed"] else ""
        ranked = bool(row["seeds"])
        drawn.add_row(
            str(rank) if ranked else "–",
            name(row["model"]),
            *([name(row["recipe"])] if several else []),
            percent(row["test_accuracy_mean"]),
            "–" if low != low else f"{100 * low:.1f} to {100 * high:.1f}",
            row["group"],
            *[percent(row["test_plain_accuracy_mean"])] * plain,
            percent(row["val_accuracy_mean"]),
            f"{int(row['params']):,}" if ranked else "–",
            *([quantity(row["macs"]), milliseconds(row["latency_seconds_mean"])] if roomy else []),
            duration(row["train_seconds_mean"]),
            f"{row['runs']}{failed}",
        )
    out.print(drawn)
