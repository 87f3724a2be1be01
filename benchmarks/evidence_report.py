"""The tables of `docs/evidence.md`, from the results of `evidence.py`."""

import re
from collections.abc import Iterable, Mapping
from math import sqrt
from pathlib import Path
from statistics import fmean
from typing import Any

Row = Mapping[str, Any]
EQUAL_KINDS = ("two copies of one recipe", "two recipes of one accuracy")
CALLED, HELD = (0.03, 0.06), (0.93, 0.97)


def write(results: Mapping[str, list[dict]], page: Path) -> None:
    """Put the tables between the page's markers `<!-- name -->` and `<!-- end -->`, and print them."""
    text = page.read_text(encoding="utf-8")
    for name, table in tables(results).items():
        block = f"<!-- {name} -->\n\n{table}\n\n<!-- end -->"
        text, found = re.subn(rf"<!-- {name} -->.*?<!-- end -->", lambda _, block=block: block, text, flags=re.DOTALL)
        assert found == 1, f"{page} has no place for the table {name!r}"
        print(table, end="\n\n")
    page.write_text(text, encoding="utf-8")


def tables(results: Mapping[str, list[dict]]) -> dict[str, str]:
    """Return the tables by the name of their marker."""
    return {
        "simulated": _simulated(results["simulated"]),
        "real": _real(results["equal_real"], results["different_real"]),
        "integrated": _integrated(results["integrated"]),
        "variances": _variances(results["variances"]),
        "power": _power(results["power"]),
    }


def missed(results: Mapping[str, list[dict]]) -> list[str]:
    """Return what lies outside the bounds: called in 3 to 6 % between equal models, intervals that hold 93 to 97 %.

    The mean over the settings of a kind must lie within them as it is. One setting may lie outside by what chance does
    in so many repetitions, 3 standard errors.
    """
    groups: dict[tuple[object, ...], list[dict]] = {}
    for part in ("simulated", "equal_real", "different_real"):
        for row in results[part]:
            groups.setdefault((part, row.get("kind", part), tuple(row["seeds"])), []).append(row)
    found = []
    for (part, kind, seeds), rows in groups.items():
        bounds = {"holds_difference": HELD, "holds_mean": HELD}
        if part == "equal_real" or kind in EQUAL_KINDS:
            bounds["called"] = CALLED
        for what, (low, high) in bounds.items():
            known = [row for row in rows if row[what] is not None]
            if known and not low <= fmean(row[what] for row in known) <= high:
                found.append(f"{what}: the mean of {kind}, seeds {seeds}")
            found += [f"{what}: {row}" for row in known if not _within(row[what], low, high, row["repetitions"])]
    return found


def _within(share: float, low: float, high: float, repetitions: int) -> bool:
    """Return whether a share lies between bounds, or no further outside than chance takes it."""
    below, above = (3 * sqrt(bound * (1 - bound) / repetitions) for bound in (low, high))
    return low - below <= share <= high + above


def _table(head: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    head = list(head)
    lines = [head, ["---"] * len(head), *(list(row) for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _simulated(rows: list[dict]) -> str:
    groups: dict[tuple[str, tuple[int, int]], list[dict]] = {}
    for row in rows:
        groups.setdefault((row["kind"], tuple(row["seeds"])), []).append(row)
    head = ("models", "seeds", "settings", "5 % test calls a difference", "holds the difference", "holds the mean")
    return _table(
        head,
        (
            (
                kind,
                _seeds(seeds),
                str(len(group)),
                "power" if group[0]["gap"] else _range(row["called"] for row in group),
                _range(row["holds_difference"] for row in group),
                _range(row["holds_mean"] for row in group),
            )
            for (kind, seeds), group in groups.items()
        ),
    )


def _real(equal: list[dict], different: list[dict]) -> str:
    head = ("runs", "images", "seeds", "5 % test calls a difference", "holds the difference", "holds the mean")
    return _table(
        head,
        (
            (
                row["runs"],
                f"{row['images']:,}",
                _seeds(row["seeds"]),
                _percent(row["called"]) if row["holds_mean"] is None else "power",
                _percent(row["holds_difference"]),
                "" if row["holds_mean"] is None else _percent(row["holds_mean"]),
            )
            for row in equal + different
        ),
    )


def _integrated(rows: list[dict]) -> str:
    ratios = sorted({row["ratio"] for row in rows})
    head = ("method", "seeds", *(f"spread over seeds 1 : {ratio}" for ratio in ratios))
    cells: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        cell = f"{100 * row['least']:.1f} to {100 * row['most']:.1f} %"
        cells.setdefault((row["method"], _seeds(row["seeds"])), []).append(cell)
    return _table(head, ((*key, *found) for key, found in cells.items()))


def _variances(rows: list[dict]) -> str:
    head = ("runs", "seeds", "images", "accuracy", "sd of runs", "sd of seeds", "residual", "image")
    return _table(
        head,
        (
            (
                row["runs"],
                str(row["seeds"]),
                f"{row['images']:,}",
                _percent(row["accuracy"]),
                _points(row["run_sd"]),
                _points(row["seed_sd"]),
                f"{row['residual']:.3f}",
                f"{row['image']:.3f}",
            )
            for row in rows
            if "accuracy" in row
        ),
    )


def _power(rows: list[dict]) -> str:
    head = ("networks", "test images", "0.5 points", "1 point", "2 points", "found by 3 seeds", "found by 5 seeds")
    return _table(
        head,
        (
            (
                row["networks"],
                f"{row['images']:,}",
                *(_needed(row[f"seeds for {points}"]) for points in (0.5, 1.0, 2.0)),
                *(_points(row["detectable"][seeds]) for seeds in (3, 5)),
            )
            for row in rows
        ),
    )


def _needed(seeds: int | None) -> str:
    return f"{seeds} seeds" if seeds else "over 100 or none"


def _seeds(pair: Iterable[int]) -> str:
    first, second = pair
    return f"{first} and {second}"


def _range(shares: Iterable[float]) -> str:
    found = list(shares)
    return f"{100 * fmean(found):.1f} % ({100 * min(found):.1f} to {100 * max(found):.1f})"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


def _points(share: float) -> str:
    return f"{100 * share:.2f} points"
