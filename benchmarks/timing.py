"""Honest timing on a machine that other work shares: rounds of all candidates in turn, medians, and ratios."""

import json
import platform
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch

RESULTS = Path(__file__).parent / "results"


def interleave(candidates: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds that each candidate takes, one round of all after the other; a first round is not counted."""
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for count in range(rounds + 1):
        for name, run in candidates.items():
            started = time.perf_counter()
            run()
            if count:
                seconds[name].append(time.perf_counter() - started)
    return seconds


def publish(name: str, unit: str, per_round: float, seconds: Mapping[str, list[float]]) -> None:
    """Print the medians and their ratios to the first candidate, and keep them as `results/NAME.json`.

    Args:
        name: of the benchmark.
        unit: what is counted, such as images/s.
        per_round: how many of it one round makes.
        seconds: from `interleave`.
    """
    rates = {who: per_round / statistics.median(times) for who, times in seconds.items()}
    first = next(iter(rates.values()))
    print(f"{name}, {unit}, median of {len(next(iter(seconds.values())))} rounds")
    for who, rate in rates.items():
        print(f"  {who:<40} {rate:>12,.1f}   {rate / first:.2f} x")
    RESULTS.mkdir(exist_ok=True)
    content = {
        "benchmark": name,
        "unit": unit,
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
        "rate": {who: round(rate, 2) for who, rate in rates.items()},
        "seconds": {who: [round(one, 4) for one in times] for who, times in seconds.items()},
    }
    (RESULTS / f"{name}.json").write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")


def processor() -> str:
    """Return the name of the processor."""
    if (info := Path("/proc/cpuinfo")).exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
