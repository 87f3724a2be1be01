"""Tables as CSV and JSON."""

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd


def rows(table: "pd.DataFrame") -> list[dict[str, Any]]:
    """Return an object for each row, of JSON types; what is not a number is None."""
    found: list[dict[str, Any]] = json.loads(table.to_json(orient="records", double_precision=15))
    return found


def as_json(table: "pd.DataFrame") -> str:
    """Return a list of objects, one per row; what is not a number is null."""
    return json.dumps(rows(table), indent=1)


def as_csv(table: "pd.DataFrame") -> str:
    """Return comma-separated values. Text that a spreadsheet would run as a formula gets a leading apostrophe."""
    starts = tuple("=+-@\t\r")
    safe = table.map(lambda cell: f"'{cell}" if isinstance(cell, str) and cell.startswith(starts) else cell)
    return safe.to_csv(index=False).rstrip("\n")
