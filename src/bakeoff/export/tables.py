"""Tables as CSV, JSON and Markdown."""

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd


def as_json(table: "pd.DataFrame") -> str:
    """Return a list of objects, one per row; what is not a number is null."""
    rows = json.loads(table.to_json(orient="records", double_precision=15))
    return json.dumps(rows, indent=1)


def as_csv(table: "pd.DataFrame") -> str:
    """Return comma-separated values. Text that a spreadsheet would run as a formula gets a leading apostrophe."""
    starts = tuple("=+-@\t\r")
    safe = table.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(starts) else cell)
    return safe.to_csv(index=False).rstrip("\n")


def as_markdown(table: "pd.DataFrame") -> str:
    """Return a table in Markdown; what is not a number is left empty."""
    table = table.astype(object).where(table.notna(), "")
    lines = ["| " + " | ".join(table.columns) + " |", "|" + " --- |" * len(table.columns)]
    for row in table.itertuples(index=False):
        cells = [f"{cell:.6g}" if isinstance(cell, float) else str(cell) for cell in row]
        lines.append("| " + " | ".join(cell.replace("|", "\\|").replace("\n", " ") for cell in cells) + " |")
    return "\n".join(lines)
