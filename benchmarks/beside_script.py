"""A script of another project that trains CIFAR-10 again and again, beside the product, in turn, on one GPU.

    python benchmarks/beside_script.py SCRIPT [--runs N] [--rounds N] -- ARGUMENTS OF bakeoff compare

The script prints a row for each run, as those of airbench do: `|  run | eval | ... | tta_val_acc | time_seconds |`. It
is stopped after so many. Both start anew in every round; see `docs/performance.md` for what is counted.
"""

import argparse
import json
import re
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import bakeoff

# The last row of a run, whose first column is empty: epoch "eval", ..., accuracy, seconds.
ROW = re.compile(r"\|\s*eval\s*\|.*\|\s*(?P<accuracy>[\d.]+)\s*\|\s*(?P<seconds>[\d.]+)\s*\|\s*$")


def theirs(script: Path, runs: int) -> dict[str, list[float]]:
    """Return accuracy and seconds of each run of the script, the one that warms up left out, and its cold start."""
    started, rows, cold = time.perf_counter(), [], 0.0
    command = [sys.executable, "-u", script.name]
    with subprocess.Popen(command, cwd=script.parent, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        for row in filter(None, map(ROW.search, process.stdout)):
            rows.append(row)
            cold = cold or (len(rows) == 2 and time.perf_counter() - started)
            if len(rows) > runs:
                process.kill()
                break
    if len(rows) <= 1:
        raise SystemExit(f"{script}: no rows of runs were printed, such as '| eval | ... | 0.9401 | 2.5900 |'")
    found = {name: [float(row[name]) for row in rows[1:]] for name in ("accuracy", "seconds")}
    return found | {"cold": [float(cold)]}


def ours(arguments: list[str], runs: int) -> dict[str, list[float]]:
    """Return the same of the product: once with one run, for the cold start, and then with all."""
    found: dict[str, list[float]] = {}
    for seeds in (1, runs):
        with tempfile.TemporaryDirectory() as folder:
            command = [sys.executable, "-m", "bakeoff", "compare", *arguments, "--seeds", str(seeds), "--out", folder]
            started = time.perf_counter()
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            if seeds == 1:
                found["cold"] = [time.perf_counter() - started]
            done = bakeoff.load(folder).runs
            costs = [run.cost for run in done if run.cost]
            found["accuracy"] = [run.metrics["test"]["accuracy"] for run in done]
            found["seconds"] = [cost.train_seconds for cost in costs]
            found["total"] = [cost.total_seconds for cost in costs]
    return found


def main() -> None:
    """Run both in turn, and print medians as JSON."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("script", type=Path)
    parser.add_argument("--runs", type=int, default=30)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("arguments", nargs="+")
    given = parser.parse_args()
    found: dict[str, dict[str, list[float]]] = {given.script.stem: {}, "bakeoff": {}}
    for _ in range(given.rounds):
        for who, one in (
            (given.script.stem, theirs(given.script.resolve(), given.runs)),
            ("bakeoff", ours(given.arguments, given.runs)),
        ):
            for name, values in one.items():
                found[who].setdefault(name, []).extend(values)
    for who, values in found.items():
        shown = {name: round(statistics.median(each), 4) for name, each in values.items()}
        print(json.dumps({"who": who, "n": len(values["accuracy"]), **shown}))
        print(json.dumps({"who": who, "mean accuracy": round(statistics.mean(values["accuracy"]), 5)}))


if __name__ == "__main__":
    main()
