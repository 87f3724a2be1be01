"""What the loop costs beside its steps: ours with everything on, against loops that do nothing but train.

    python benchmarks/loop.py [ROUNDS]

One bare loop takes the product's own steps, recorded ones as in its own loop; the other one is how one writes it by
hand with torch. All train simcnn, batch 32, with the same layers, number format, batches and normalization, in one
process, in turn. Ours also counts losses and right answers, checks that they are finite, reports progress, writes
curves for TensorBoard, and saves a checkpoint after every epoch, which is more often than training does by itself.
Ratios are medians over rounds of an epoch of as many images as CIFAR-10 has for training; on a machine that other work
shares those of processor time tell more than those of the clock.
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
from bakeoff.training import optimizers
from bakeoff.training.checkpoint import Autosave, Checkpoints
from bakeoff.training.engines import make_ready, resolve_engine
from bakeoff.training.precision import Precision, resolve_amp
from bakeoff.training.state import TrainingState
from bakeoff.training.step import Step

IMAGES, BATCH = 50_000, 32
CPU = torch.device("cpu")
ENGINE = resolve_engine("auto", CPU)


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
            {
                "epochs": 1,
                "batch_size": BATCH,
                "optimizer": "adam",
                "schedule": "constant",
                "amp": amp,
                "engine": ENGINE,
            }
        )

    def network(self) -> torch.nn.Module:
        """Return a new network with the layers that training chooses."""
        model = make_ready(build(ModelSpec(name="simcnn"), 10, 3, 32), ENGINE)
        return model.to(memory_format=torch.channels_last).train()

    def bare(self) -> None:
        """Take the product's steps, and nothing else."""
        model = self.network()
        optimizer = optimizers.build(model, self.recipe.optimizer)
        step = Step(model, optimizer, self.prepare, self.recipe, self.precision, BATCH, recorded=True)
        for batch in self.batches.epoch(0):
            step(batch, self.recipe.optimizer.lr)

    def by_hand(self) -> None:
        """Train with torch alone, and nothing else."""
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
    works = (problem.ours, problem.bare, problem.by_hand)
    times = [[spent(work) for work in works] for _ in range(rounds + 1)][1:]  # the first round is a warm-up

    def ratio(other: int) -> dict[str, float]:
        kinds = {"clock": 0, "processor": 1}
        return {
            name: round(statistics.median(each[0][kind] / each[other][kind] for each in times), 4)
            for name, kind in kinds.items()
        }

    result = {
        "benchmark": "loop",
        "date": datetime.now(UTC).date().isoformat(),
        "processor": processor(),
        "threads": torch.get_num_threads(),
        "precision": problem.recipe.amp,
        "torch": torch.__version__,
        "rounds": rounds,
        "ours_by_bare": ratio(1),
        "ours_by_hand": ratio(2),
        "processor_seconds": [[round(used, 3) for _, used in each] for each in times],
    }
    (RESULTS / "loop.json").write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(result, indent=2))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7)
