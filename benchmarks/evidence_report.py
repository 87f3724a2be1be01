"""The tables of `docs/evidence.md`, from the results of `evidence.py`."""

from collections.abc import Iterable, Mapping
from math import sqrt
from pathlib import Path
from statistics import fmean
from typing import Any

from page_tables import fill, table

Row = Mapping[str, Any]
PARTS = ("simulated", "equal_real", "different_real")
CALLED, HELD = (0.03, 0.06), (0.93, 0.97)
PRODUCT = "costs, as here"  # of the methods for costs
SHARES = {"called": CALLED, "holds_difference": HELD, "holds_mean": HELD}


def write(results: Mapping[str, list[dict]], page: Path) -> None:
    """Put the tables between the page's markers `<!-- name -->` and `<!-- end -->`, and print them."""
    for name, content in tables(results).items():
        fill(page, name, content)
        print(content, end="\n\n")


def tables(results: Mapping[str, list[dict]]) -> dict[str, str]:
    """Return the tables by the name of their marker."""
    return {
        "simulated": _simulated(results["simulated"]),
        "real": _real(results["equal_real"], results["different_real"]),
        "outside": _outside(results),
        "costs": _costs(results["costs"]),
        "integrated": _integrated(results["integrated"]),
        "integrated mean": _integrated_mean(results["integrated_mean"]),
        "variances": _variances(results["variances"]),
        "power": _power(results["power"]),
    }


def bounded(row: Row) -> dict[str, tuple[float, float]]:
    """Return the bounds of every share of a row that has some: calls count between equal models alone."""
    bounds = {what: bound for what, bound in SHARES.items() if row[what] is not None}
    if row.get("gap", row["holds_mean"] is not None):  # of real networks the mean is known where two differ
        del bounds["called"]
    return bounds


def outside(row: Row) -> list[str]:
    """Return which shares of a row lie outside their bounds, as they are."""
    return [what for what, (low, high) in bounded(row).items() if not low <= row[what] <= high]


def missed(results: Mapping[str, list[dict]]) -> list[str]:
    """Return what lies outside the bounds: called in 3 to 6 % between equal models, intervals that hold 93 to 97 %.

    The mean over the settings of a kind must lie within them as it is. One setting that lies outside is measured again,
    and may then lie outside by what chance does in so many repetitions, 3 standard errors; the calls between models
    of unequal spread, which no bound was promised for, count in the table alone.
    """
    groups: dict[tuple[object, ...], list[dict]] = {}
    for part in PARTS:
        for row in results[part]:
            groups.setdefault((part, row.get("kind", part), tuple(row["seeds"])), []).append(row)
    found = []
    for (_, kind, seeds), rows in groups.items():
        for what in bounded(rows[0]):
            if str(kind).startswith("unequal") and what == "called":
                continue
            low, high = SHARES[what]
            if not low <= fmean(row[what] for row in rows) <= high:
                found.append(f"{what}: the mean of {kind}, seeds {seeds}")
            last = [row.get("again", row) for row in rows]
            found += [f"{what}: {row}" for row in last if not _within(row[what], low, high, row["repetitions"])]
    return found + _missed_costs(results["costs"])


def _missed_costs(rows: list[dict]) -> list[str]:
    """Return where the product's test of costs calls too much; of few runs it may call less, which errs to no harm.

    Bounds hold for as many runs of all models; for other numbers, two models may be called in a hundredth more.
    """
    found = []
    for row in rows:
        same = row["runs"][0] == row["runs"][1]
        calls = [(row["called"], CALLED[1] + 0.01 * (not same)), *[(row["called_of_four"], CALLED[1])] * same]
        if row["method"] == PRODUCT:
            found += [f"costs: {row}" for share, most in calls if not _within(share, 0, most, row["repetitions"])]
    return found


def _within(share: float, low: float, high: float, repetitions: int) -> bool:
    """Return whether a share lies between bounds, or no further outside than chance takes it."""
    below, above = (3 * sqrt(bound * (1 - bound) / repetitions) for bound in (low, high))
    return low - below <= share <= high + above


def _simulated(rows: list[dict]) -> str:
    groups: dict[tuple[str, tuple[int, int]], list[dict]] = {}
    for row in rows:
        groups.setdefault((row["kind"], tuple(row["seeds"])), []).append(row)
    head = ("models", "seeds", "settings", "5 % test calls a difference", "holds the difference", "holds the mean")
    return table(
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
    return table(
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


def _outside(results: Mapping[str, list[dict]]) -> str:
    head = ("models", "images", "accuracy", "spread over seeds", "seeds", "share that", "first", "again", "why")
    rows = [row for part in PARTS for row in results[part]]
    words = {"called": "called", "holds_difference": "holds the difference", "holds_mean": "holds the mean"}
    return table(
        head,
        (
            (
                row.get("kind") or row["runs"],
                f"{row['images']:,}",
                _percent(row["accuracy"]) if "accuracy" in row else "",
                " and ".join(_points(sd) for sd in row["seed_sd"]) if "seed_sd" in row else "",
                _seeds(row["seeds"]),
                words[what],
                *(f"{_percent(one[what])} of {one['repetitions']:,}" for one in (row, row["again"])),
                _why(row, what),
            )
            for row in rows
            for what in outside(row)
        ),
    )


def _why(row: Row, what: str) -> str:
    low, high = SHARES[what]
    if low <= row["again"][what] <= high:
        return "chance"
    return "unequal spread" if str(row.get("kind")).startswith("unequal") else "few seeds"


def _costs(rows: list[dict]) -> str:
    spreads = list(dict.fromkeys(row["spread"] for row in rows))
    head = ("method", "models", "runs", *(f"spread {spread}" for spread in spreads))
    cells: dict[tuple[str, str, str], dict[str, list[float]]] = {}
    for row in rows:
        seeds = _seeds(sorted(row["runs"]))
        cells.setdefault((row["method"], "two", seeds), {}).setdefault(row["spread"], []).append(row["called"])
        if row["method"] == PRODUCT:
            four = cells.setdefault((row["method"], "four, any pair", seeds), {})
            four.setdefault(row["spread"], []).append(row["called_of_four"])
    methods = list(dict.fromkeys(row["method"] for row in rows))
    ordered = sorted(cells.items(), key=lambda item: (methods.index(item[0][0]), item[0][1] != "two"))
    return table(head, ((*key, *(_extent(found[spread]) for spread in spreads)) for key, found in ordered))


def _extent(shares: list[float]) -> str:
    return f"{100 * min(shares):.1f} to {100 * max(shares):.1f} %"


def _integrated_mean(rows: list[dict]) -> str:
    cells = ((str(row["seeds"]), f"{100 * row['least']:.1f} to {100 * row['most']:.1f} %") for row in rows)
    return table(("seeds", "95 % interval holds the mean"), cells)


def _integrated(rows: list[dict]) -> str:
    ratios = sorted({row["ratio"] for row in rows})
    head = ("method", "seeds", *(f"spread over seeds 1 : {ratio}" for ratio in ratios))
    cells: dict[tuple[str, str], list[str]] = {}
    for row in rows:
        cell = f"{100 * row['least']:.1f} to {100 * row['most']:.1f} %"
        cells.setdefault((row["method"], _seeds(row["seeds"])), []).append(cell)
    return table(head, ((*key, *found) for key, found in cells.items()))


def _variances(rows: list[dict]) -> str:
    head = ("runs", "seeds", "images", "accuracy", "sd of runs", "sd of seeds", "residual", "image")
    return table(
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
    return table(
        head,
        (
            (
                row["networks"],
                f"{row['images']:,}",
                *(_needed(row[f"seeds for {points}"]) for points in (0.5, 1.0, 2.0)),
                *(_points(row["detectable"][seeds]) for seeds in ("3", "5")),
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
