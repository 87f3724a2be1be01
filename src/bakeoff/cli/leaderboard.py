"""`bakeoff leaderboard`."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    import pandas as pd


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
    """Print the ranking of a comparison: mean and spread over seeds, and cost."""
    from bakeoff.api import load
    from bakeoff.export.tables import as_csv, as_json, as_markdown

    table = load(folder).leaderboard()
    if format is Format.TABLE:
        print_table(table)
    else:
        convert = {Format.CSV: as_csv, Format.JSON: as_json, Format.MD: as_markdown}[format]
        typer.echo(convert(table))


def print_table(table: "pd.DataFrame") -> None:
    """Print a leaderboard for a person."""
    from rich.table import Table

    from bakeoff.cli.console import duration, name, out, percent

    drawn = Table(box=None, pad_edge=False)
    for column in (
        "",
        "model",
        "recipe",
        "test accuracy",
        "test loss",
        "val accuracy",
        "parameters",
        "training",
        "seeds",
    ):
        drawn.add_column(column, justify="left" if column in ("model", "recipe") else "right", no_wrap=column == "")
    rows: list[dict[str, Any]] = table.to_dict("records")  # type: ignore[assignment]
    for rank, row in enumerate(rows, 1):
        spread = row["test_accuracy_std"]
        failed = f", {row['failed']} failed" if row["failed"] else ""
        ranked = bool(row["seeds"])
        drawn.add_row(
            str(rank) if ranked else "–",
            name(row["model"]),
            name(row["recipe"]),
            percent(row["test_accuracy_mean"]) + ("" if spread != spread else f" ± {100 * spread:.2f}"),
            f"{row['test_loss_mean']:.4f}" if ranked else "–",
            percent(row["val_accuracy_mean"]),
            f"{int(row['params']):,}" if ranked else "–",
            duration(row["train_seconds_mean"]),
            f"{row['seeds']}{failed}",
        )
    out.print(drawn)
