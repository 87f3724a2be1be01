"""A step of simcnn, batch 32, float32, on two threads: alone and beside two busy processes, by how long threads spin.

    python benchmarks/threads.py

The package sets `GOMP_SPINCOUNT=20000` where the user has set nothing; this shows what that is for.
"""

import json
import os
import statistics
import subprocess
import sys
import time
from datetime import UTC, datetime

from timing import RESULTS, processor

SETTINGS = {"torch's default": None, "20000": "20000", "2000": "2000"}
ROUNDS, STEPS = 3, 10
BUSY = "while True: pass"


def step_milliseconds() -> float:
    """Return the median time of a step in this process."""
    import torch
    from torch.nn import functional

    from bakeoff.models.library import build
    from bakeoff.specs.model import ModelSpec

    torch.set_num_threads(2)
    model = build(ModelSpec(name="simcnn"), 10, 3, 32).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), fused=True)
    images, labels = torch.randn(32, 3, 32, 32).to(memory_format=torch.channels_last), torch.arange(32) % 10
    seconds = []
    for _ in range(STEPS):
        started = time.perf_counter()
        optimizer.zero_grad()
        functional.cross_entropy(model(images), labels).backward()
        optimizer.step()
        seconds.append(time.perf_counter() - started)
    return 1000 * statistics.median(seconds[STEPS // 4 :])


def measured(spin: str | None) -> float:
    """Return the same of a new process, as the setting is read when torch is loaded."""
    # 300000 is libgomp's own default where there are no more threads than cores; the package leaves what is set.
    environment = {**os.environ, "GOMP_SPINCOUNT": spin or "300000"}
    done = subprocess.run(
        [sys.executable, __file__, "step"], env=environment, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def main() -> None:
    """Measure every setting in turn, alone and beside others."""
    found: dict[str, dict[str, float]] = {}
    for place, others in (("alone", 0), ("beside two busy processes", 2)):
        times: dict[str, list[float]] = {name: [] for name in SETTINGS}
        busy = [subprocess.Popen([sys.executable, "-c", BUSY]) for _ in range(others)]
        try:
            for _ in range(ROUNDS):
                for name, spin in SETTINGS.items():
                    times[name].append(measured(spin))
        finally:
            for process in busy:
                process.kill()
        found[place] = {name: round(statistics.median(each), 1) for name, each in times.items()}
    result = {
        "benchmark": "threads",
        "unit": "ms per step",
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        **found,
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "threads.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    print(step_milliseconds()) if sys.argv[1:] == ["step"] else main()
