"""Honest timing on a machine that other work shares: rounds of all candidates in turn, medians, and ratios."""

import os
import platform
import time
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import torch

from bakeoff.training.precision import native_bf16

RESULTS = Path(__file__).parent / "results"


def interleave(
    candidates: Mapping[str, Callable[[], float | None]], rounds: int, warm_up: int = 1
) -> dict[str, list[float]]:
    """Return the seconds that each candidate takes, one round of all after the other.

    Args:
        candidates: by name. One that returns a number has timed itself.
        rounds: that count.
        warm_up: rounds before them, which do not.
    """
    seconds: dict[str, list[float]] = {name: [] for name in candidates}
    for count in range(warm_up + rounds):
        for name, run in candidates.items():
            started = time.perf_counter()
            own = run()
            if count >= warm_up:
                seconds[name].append(time.perf_counter() - started if own is None else own)
    return seconds


def machine(threads: int) -> dict[str, str | int]:
    """Return the date, and what of this machine decides times: its processor, and with how many threads it computes."""
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "matrices": torch.backends.cpu.get_cpu_capability() + (" with bf16" if native_bf16() else ""),
        "threads": threads,
        "memory_gib": round(memory),
        "system": platform.platform(terse=True),
        "python": platform.python_version(),
    }


def processor() -> str:
    """Return the name of the processor."""
    if (info := Path("/proc/cpuinfo")).exists():
        for line in info.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()
