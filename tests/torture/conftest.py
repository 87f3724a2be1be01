"""The table of what was tried: every test here counts its cases under the promise that they hold.

With `-m torture` the table is also kept, as benchmarks/results/torture.json.
"""

import json
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from tally import Tally

RESULTS = Path(__file__).parents[2] / "benchmarks" / "results"


@pytest.fixture
def tally(request: pytest.FixtureRequest, record_property: Any) -> Iterator[Tally]:
    """Count cases for the promise that the test's docstring names; the test fails where any of them failed."""
    counted = Tally()
    yield counted
    record_property("tally", [request.function.__doc__, counted.tried, counted.failures, counted.details])
    assert not counted.failures, counted.failures[:5]


def pytest_terminal_summary(terminalreporter: Any, config: pytest.Config) -> None:
    """Print the table, and keep that of the long versions."""
    if config.option.markexpr != "torture" or os.environ.get("PYTEST_XDIST_WORKER"):
        return
    reports = [*terminalreporter.getreports("passed"), *terminalreporter.getreports("failed")]
    found = [[value, report] for report in reports for key, value in report.user_properties if key == "tally"]
    rows = {doc: (tried, failures, details) for (doc, tried, failures, details), _ in found}
    terminalreporter.section("promises")
    for promise, (tried, failures, _) in rows.items():
        terminalreporter.write_line(f"{tried:>8,} cases  {len(failures):>3} failures  {promise}")
    if rows:
        _keep(rows)


def _keep(rows: dict[str, tuple[int, list[str], dict[str, Any]]]) -> None:
    content = {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "promises": [
            {"promise": promise, "cases": tried, "failures": failures, **details}
            for promise, (tried, failures, details) in sorted(rows.items())
        ],
    }
    (RESULTS / "torture.json").write_text(json.dumps(content, indent=1) + "\n")


def _processor() -> str:
    names = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    return f"{len(names)} x {names[0].partition(':')[2].strip()}" if names else "unknown"
