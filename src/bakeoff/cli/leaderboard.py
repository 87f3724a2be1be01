"""`bakeoff leaderboard`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd

    from bakeoff.study.judgement import Judgement


ROOMY = 96  # characters in a line, from which on a table has more of the costs


class Format(StrEnum):
    """How a leaderboard is printed."""

    TABLE = "table"
    CSV = "csv"
    JSON = "json"
    MD = "md"


def leaderboard(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="The output folder of a comparison.")],
    format: Annotated[Format, typer.Option(help="For people, or for programs.")] = Format.TABLE,
) -> None:
    """Print the ranking of a comparison: mean and 95 % interval, which models are tied, and cost."""
    from bakeoff.api import load
    from bakeoff.export.tables import as_csv, as_json, as_markdown

    result = load(folder)
    table = result.leaderboard()
    if format is Format.TABLE:
        print_table(table)
        print_judgement(result.judgement())
    else:
        convert = {Format.CSV: as_csv, Format.JSON: as_json, Format.MD: as_markdown}[format]
        typer.echo(convert(table))


def print_judgement(judgement: "Judgement") -> None:
    """Print what the runs prove, in sentences."""
    from bakeoff.cli.console import name, out
    from bakeoff.evidence.wording import sentences

    said = sentences(judgement.verdict) if judgement.verdict else (judgement.reason,)
    out.print()
    for sentence in (*said, *judgement.missing):
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
    figures = ("val accuracy", *costs, "training", "seeds")
    for column in ("", *words[:-1], "test accuracy", "95 % interval", "group", *figures):
        left, whole = column in words, column in ("", "95 % interval", "training")
        drawn.add_column(column, justify="left" if left else "right", no_wrap=whole, overflow="fold")
    for rank, row in enumerate(rows, 1):
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
            percent(row["val_accuracy_mean"]),
            f"{int(row['params']):,}" if ranked else "–",
            *([quantity(row["macs"]), milliseconds(row["latency_seconds_mean"])] if roomy else []),
            duration(row["train_seconds_mean"]),
            f"{row['seeds']}{failed}",
        )
    out.print(drawn)
