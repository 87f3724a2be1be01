"""An epoch of simcnn, batch 32, on images that look like CIFAR-10: ours against loops that people write.

    python benchmarks/training.py [ROUNDS]

All train the same network with Adam on the same images in memory, in one process, in turn. "eager" is the textbook loop
in float32; "tuned" is the same with bf16 autocast, channels-last memory and a fused optimizer.
"""

import sys
import tempfile
from pathlib import Path

import numpy as np
import torch
from timing import interleave, publish
from torch.nn import functional

from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Part, TrainBatches
from bakeoff.data.preprocess import Preprocess
from bakeoff.models.library import build
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import Recipe
from bakeoff.training.checkpoint import Checkpoints
from bakeoff.training.fit import fit
from bakeoff.training.precision import Precision, resolve_amp

IMAGES, BATCH = 10_240, 32
CPU = torch.device("cpu")


def network() -> torch.nn.Module:
    """Return simcnn for CIFAR-10."""
    return build(ModelSpec(name="simcnn"), 10, 3, 32)


class Loop:
    """The loop of a tutorial."""

    def __init__(self, pixels: np.ndarray, labels: np.ndarray, *, tuned: bool) -> None:
        self.tuned = tuned
        self.images = torch.from_numpy(pixels).permute(0, 3, 1, 2).float().div(255).contiguous()
        self.labels = torch.from_numpy(labels)
        self.model = network()
        if tuned:
            self.images = self.images.contiguous(memory_format=torch.channels_last)
            self.model = self.model.to(memory_format=torch.channels_last)
        self.optimizer = torch.optim.Adam(self.model.parameters(), fused=tuned)

    def epoch(self) -> None:
        """Train once on every image."""
        self.model.train()
        for rows in torch.randperm(len(self.images)).split(BATCH):
            self.optimizer.zero_grad()
            with torch.autocast("cpu", torch.bfloat16, enabled=self.tuned):
                loss = functional.cross_entropy(self.model(self.images[rows]), self.labels[rows])
            loss.backward()
            self.optimizer.step()


def ours(pixels: np.ndarray, labels: np.ndarray) -> None:
    """Train for one epoch with the product's loop, checkpoints and all."""
    images = ImageSet(pixels, labels, tuple("abcdefghij"), np.zeros(len(pixels), np.int8), "", {})
    part = Part(images, np.arange(len(pixels)), CPU)
    recipe = Recipe.parse({"epochs": 1, "batch_size": BATCH, "optimizer": "adam", "amp": resolve_amp("auto", CPU)})
    with tempfile.TemporaryDirectory() as folder:
        fit(
            network().to(memory_format=torch.channels_last),
            TrainBatches(part, BATCH, [], 0),
            Preprocess(part.shape, "unit", None, 3, 32, CPU),
            None,
            recipe,
            Precision(recipe.amp, CPU),
            Checkpoints(Path(folder), "benchmark"),
            seed=0,
            report=lambda _: None,
            stop_requested=lambda: False,
        )


def main(rounds: int) -> None:
    """Time them."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(0, 10, IMAGES)
    eager, tuned = (Loop(pixels, labels, tuned=tuned) for tuned in (False, True))
    candidates = {"bakeoff": lambda: ours(pixels, labels), "eager": eager.epoch, "tuned": tuned.epoch}
    publish("training", "images/s", IMAGES, interleave(candidates, rounds))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
