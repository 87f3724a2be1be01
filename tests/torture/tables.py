"""The tables of docs/reliability.md and docs/kills.md, from what `trial.py` found.

    python tests/torture/tables.py

Writes them from benchmarks/results/torture.json as it is, after promises were added or put in other words.
"""

import json
from collections import Counter
from typing import Any

from promises import TESTS, places, promises

DOCS = TESTS.parent / "docs"
RESULTS = TESTS.parent / "benchmarks" / "results" / "torture.json"
KILLS = "test_killed_at_any_point_it_ends_bitwise_the_same"


def write(content: dict[str, Any]) -> None:
    """Write both pages."""
    page = DOCS / "reliability.md"
    page.write_text(filled(page.read_text(encoding="utf-8"), content), encoding="utf-8")
    if log := content["details"].get(KILLS):
        (DOCS / "kills.md").write_text(kills(log), encoding="utf-8")


def filled(page: str, content: dict[str, Any]) -> str:
    """Return the page of promises with a table in every chapter that has one, and when it was made."""
    for chapter, chosen in promises().items():
        page = _between(page, f"promises: {chapter}", _table(chosen, content["promises"]))
    if whole := content["whole"]:
        minutes = f"{whole['seconds'] / 60:.0f} minutes"
        page = _between(page, "run", f"Run in full on {whole['date']}, in {minutes}, on {whole['processor']}.")
    return page


def _between(page: str, name: str, text: str) -> str:
    """Return a page with a text between two comments."""
    start, end = f"<!-- {name} -->\n", "\n<!-- end -->"
    if start not in page:
        raise SystemExit(f"docs/reliability.md has no place for '{name}'")
    before, _, rest = page.partition(start)
    return f"{before}{start}{text}{end}{rest.partition(end)[2]}"


def _table(chosen: dict[str, list[str]], rows: dict[str, Any]) -> str:
    lines = ["| promise | tests | cases | failures | seconds |", "| --- | --- | --: | --: | --: |"]
    where = places()
    for promise, tests in chosen.items():
        files = ", ".join(f"`{file}`" for file in dict.fromkeys(where[name][0] for name in tests))
        lines.append(f"| {promise} | {files} | {_counts(rows.get(promise))} |")
    return "\n".join(lines)


def _counts(row: dict[str, Any] | None) -> str:
    if row is None:
        return "not run | | "
    skipped = f" (left out: {'; '.join(row['skipped'])})" if row["skipped"] else ""
    return f"{row['cases']:,}{skipped} | {len(row['failures'])} | {row['seconds']:.0f}"


def kills(log: dict[str, Any]) -> str:
    """Return the page of kills: where, and whether anything came out otherwise."""
    hits = Counter(point for case in log["kills"] for point in case["killed at"] if point != "not reached")
    several = sum(len(case["points"]) > 1 for case in log["kills"])
    wrong = sum(bool(case["differs"]) for case in log["kills"])
    lines = [
        "# Kills",
        "",
        f"{len(log['kills'])} times two small studies were killed with SIGKILL at a point drawn at random and started",
        f"again with the same command, {several} of them several times in a row. {wrong} ended otherwise than those",
        "that were not killed.",
        "`make torture` writes this page; every kill stands in `benchmarks/results/torture.json`.",
        "",
        "| point | in one run | killed there |",
        "| --- | --: | --: |",
        *(f"| {point} | {count:,} | {hits[point]} |" for point, count in sorted(log["points"].items())),
        "",
        "## What was compared, bit for bit",
        "",
        "| what | SHA-256 where nothing was killed | same after kills |",
        "| --- | --- | --: |",
    ]
    for what, digest in log["compared"].items():
        same = sum(what not in case["differs"] for case in log["kills"])
        lines.append(f"| {what} | `{digest}` | {same} of {len(log['kills'])} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    write(json.loads(RESULTS.read_text(encoding="utf-8")))
