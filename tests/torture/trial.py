"""Puts every promise to its tests, the long ones too, and writes what was tried and what failed.

    python tests/torture/trial.py [WORD]

Writes benchmarks/results/torture.json and, from it, the tables of docs/reliability.md and docs/kills.md. WORD picks
some of the promises; the rows of the others stay.
"""

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import tables
from promises import TESTS, every_promise, nodes
from tables import RESULTS

WORKERS = 2


def main(word: str = "") -> int:
    """Try the promises that have a word in them; return 1 where any test failed."""
    every = every_promise()
    chosen = {promise: tests for promise, tests in every.items() if word in promise}
    started = time.monotonic()
    status, found = run(nodes({name for tests in chosen.values() for name in tests}))
    kept: dict[str, Any] = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {}
    today = datetime.now(UTC).date().isoformat()
    rows = {promise: {"date": today, **row(tests, found)} for promise, tests in chosen.items()}
    whole = {"date": today, "processor": processor(), "seconds": round(time.monotonic() - started)}
    content = {
        "whole": kept.get("whole") if word else whole,
        "promises": {name: old for name, old in kept.get("promises", {}).items() if name in every} | rows,
        "details": kept.get("details", {}) | {name: one["details"] for name, one in found.items() if one["details"]},
    }
    RESULTS.write_text(json.dumps(content, indent=1) + "\n", encoding="utf-8")
    tables.write(content)
    for promise, one in rows.items():
        print(f"{one['cases']:>8,} cases  {len(one['failures']):>3} failures  {one['seconds']:>5.0f} s  {promise}")
    return status


def run(chosen: list[str]) -> tuple[int, dict[str, dict[str, Any]]]:
    """Run tests; return 1 where any failed, and what was found of each, by its name."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["-q", "-ra", "--durations=15", "-m", "", "--numprocesses", str(WORKERS), "--dist", "worksteal"]
        command = [sys.executable, "-m", "pytest", "-o", "addopts=", *options, f"--junit-xml={report}", *chosen]
        status = subprocess.run(command, cwd=TESTS.parent).returncode
        if not report.exists():
            raise SystemExit("the tests could not be run; see above")
        return int(status != 0), by_name(ElementTree.parse(report).iter("testcase"))


def by_name(cases: Iterable[ElementTree.Element]) -> dict[str, dict[str, Any]]:
    """Return what was tried, how long that took and what failed, by the name of the test."""
    found: dict[str, dict[str, Any]] = {}
    for case in cases:
        empty: dict[str, Any] = {"cases": 0, "failures": [], "skipped": [], "seconds": 0.0, "most": 0, "details": {}}
        add(found.setdefault(case.attrib["name"].partition("[")[0], empty), case)
    return found


def add(one: dict[str, Any], case: ElementTree.Element) -> None:
    """Add what pytest reports of a test to what is known of all that have its name."""
    one["seconds"] += float(case.attrib["time"])
    if (skipped := case.find("skipped")) is not None:
        one["skipped"].append(skipped.attrib["message"])
        return
    told = [json.loads(item.attrib["value"]) for item in case.iter("property") if item.attrib["name"] == "tally"]
    tried, failures, details = told[0] if told else (1, [], {})
    if tried > one["most"]:  # of a short and a long version the long one's
        one["most"], one["details"] = tried, details
    one["cases"] += tried
    wrong = [item.attrib["message"] for kind in ("failure", "error") for item in case.iter(kind)]
    one["failures"] += failures or [f"{case.attrib['name']}: {message[:500]}" for message in wrong]


def row(tests: list[str], found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """Return what a promise was put to, over all of its tests."""
    parts = [found[name] for name in tests if name in found]
    return {
        "cases": sum(part["cases"] for part in parts),
        "failures": [failure for part in parts for failure in part["failures"]]
        + [f"{name} was not run" for name in tests if name not in found],
        "skipped": sorted({reason for part in parts for reason in part["skipped"]}),
        "seconds": round(sum(part["seconds"] for part in parts), 1),
    }


def processor() -> str:
    """Return how many processors of which kind there are."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else "unknown"


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
