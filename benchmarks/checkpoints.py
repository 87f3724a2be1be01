"""What checkpoints cost: the share of the time that training spends on saving itself.

    python benchmarks/checkpoints.py [SECONDS]

Trains VGG16, whose checkpoint of weights and Adam's moments is large, on random images, for two minutes unless told
otherwise, with the usual spacing of checkpoints.
"""

import json
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from timing import RESULTS, processor

from bakeoff import compare
from bakeoff.training.checkpoint import Checkpoints


def main(seconds: float) -> None:
    """Measure, and keep the result."""
    saves: list[float] = []
    save = Checkpoints.save

    def timed(self: Checkpoints, *content: object) -> None:
        started = time.perf_counter()
        save(self, *content)  # type: ignore[arg-type]
        saves.append(time.perf_counter() - started)

    Checkpoints.save = timed  # type: ignore[method-assign, assignment]
    with tempfile.TemporaryDirectory() as folder:
        pixels = np.random.default_rng(0).integers(0, 256, (4000, 32, 32, 3), dtype=np.uint8)
        np.savez(f"{folder}/random.npz", x=pixels, y=np.arange(4000) % 10)
        settings = {"budget": {"seconds": seconds}, "seeds": 1, "batch_size": 32, "device": "cpu"}
        (run,) = compare(f"{folder}/random.npz", "vgg16", out=Path(folder) / "out", **settings).runs
    assert run.cost is not None
    result = {
        "benchmark": "checkpoints",
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "train_seconds": round(run.cost.train_seconds, 1),
        "saves": [round(one, 3) for one in saves],
        "share": round(sum(saves) / (run.cost.train_seconds + sum(saves)), 4),
    }
    print(json.dumps(result))
    (RESULTS / "checkpoints.json").write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 120.0)
