"""What the loop costs beside its steps: ours with everything on, against a loop of the same step written by hand.

    python benchmarks/loop.py [ROUNDS]

Both train simcnn, batch 32, with the same layers, number format, optimizer, batches and normalization, in one process,
in turn. Ours also counts losses and right answers, checks that they are finite, reports progress, writes curves for
TensorBoard, and saves a checkpoint after every epoch, which is more often than training does by itself. Ratios are
medians over rounds of an epoch of as many images as CIFAR-10 has for training; on a machine that other work shares
those of processor time tell more than those of the clock.
"""

import json
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import torch
from timing import RESULTS, processor
from torch.nn import functional

from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Part, TrainBatches
from bakeoff.data.preprocess import Preprocess
from bakeoff.models.library import build
from bakeoff.records.run import EpochRow
from bakeoff.run.heap import keep_freed_memory
from bakeoff.run.tensorboard import TensorBoard
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import Recipe
from bakeoff.training import fit as loop
from bakeoff.training.checkpoint import Autosave, Checkpoints
from bakeoff.training.engines import make_ready, resolve_engine
from bakeoff.training.precision import Precision, resolve_amp
from bakeoff.training.state import TrainingState

IMAGES, BATCH = 50_000, 32
CPU = torch.device("cpu")


class EveryEpoch(Autosave):
    """Saves once an epoch, whatever it costs."""

    def if_due(self, state: TrainingState) -> None:
        """Save after the last step of an epoch."""
        if state.step == -(-IMAGES // BATCH):
            self.now(state)


class Problem:
    """What both loops train on."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        pixels, labels = rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8), rng.integers(0, 10, IMAGES)
        images = ImageSet(pixels, labels, tuple("abcdefghij"), {"train": np.arange(IMAGES)}, {}, "random")
        part = Part(images, np.arange(IMAGES), CPU)
        self.batches = TrainBatches(part, BATCH, [], 0)
        self.prepare = Preprocess(part.shape, "dataset", part.channel_statistics(), 3, 32, CPU)
        amp = resolve_amp("auto", CPU)
        self.precision = Precision(amp, CPU)
        self.recipe = Recipe.parse(
            {"epochs": 1, "batch_size": BATCH, "optimizer": "adam", "schedule": "constant", "amp": amp}
        )

    def network(self) -> torch.nn.Module:
        """Return a new network with the layers that training chooses."""
        model = make_ready(build(ModelSpec(name="simcnn"), 10, 3, 32), resolve_engine("auto", CPU))
        return model.to(memory_format=torch.channels_last).train()

    def by_hand(self) -> None:
        """Train, and nothing else."""
        model = self.network()
        optimizer = torch.optim.Adam(model.parameters(), fused=True)
        for batch in self.batches.epoch(0):
            with self.precision.autocast():
                loss = functional.cross_entropy(model(self.prepare(batch.images)), batch.targets)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()

    def ours(self) -> None:
        """Train with the product's loop."""
        with tempfile.TemporaryDirectory() as folder, closing(TensorBoard(Path(folder))) as board:
            loop.fit(
                self.network(),
                self.batches,
                self.prepare,
                None,
                self.recipe,
                self.precision,
                Checkpoints(Path(folder), "benchmark"),
                seed=0,
                report=lambda news: board.epoch_ended(news) if isinstance(news, EpochRow) else None,
                stop_requested=lambda: False,
            )


def spent(work: Callable[[], None]) -> tuple[float, float]:
    """Return seconds of the clock and of the processor."""
    clock, used = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - clock, time.process_time() - used


def main(rounds: int) -> None:
    """Measure, and keep the result."""
    keep_freed_memory()
    loop.Autosave = EveryEpoch  # type: ignore[misc, assignment]
    problem = Problem()
    pairs = [(spent(problem.ours), spent(problem.by_hand)) for _ in range(rounds + 1)][1:]
    clock, used = (statistics.median(ours[kind] / hand[kind] for ours, hand in pairs) for kind in (0, 1))
    result = {
        "benchmark": "loop",
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "precision": problem.recipe.amp,
        "torch": torch.__version__,
        "rounds": rounds,
        "ours_by_hand": {"clock": round(clock, 4), "processor": round(used, 4)},
        "processor_seconds": [[round(ours[1], 3), round(hand[1], 3)] for ours, hand in pairs],
    }
    (RESULTS / "loop.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
