"""A small problem that a small network can learn."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from bakeoff.data import augment
from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Part, TrainBatches
from bakeoff.data.preprocess import Preprocess
from bakeoff.evaluation.predict import predict
from bakeoff.records.run import EpochRow
from bakeoff.specs.recipe import Recipe
from bakeoff.training.checkpoint import Checkpoints
from bakeoff.training.fit import Fitted, Notice, Progress, fit
from bakeoff.training.precision import Precision

CPU = torch.device("cpu")


def toy_images(count: int = 200, size: int = 8, channels: int = 1) -> ImageSet:
    """Images of three classes, told by where the light falls."""
    random = np.random.default_rng(0)
    labels = np.arange(count) % 3
    images = random.integers(0, 128, (count, size, size, channels), dtype=np.uint8)
    for index, label in enumerate(labels):
        images[index, label * 2 : label * 2 + 2] += 100
    return ImageSet(images, labels, ("top", "middle", "bottom"), {"train": np.arange(count)}, {}, "toy")


def toy_network() -> nn.Module:
    torch.manual_seed(0)
    layers = (nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.Dropout(0.2), nn.Conv2d(4, 5, 3), nn.ReLU())
    # As `wire` lays networks out: the state of optimizers then has another order in memory than when it is saved.
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(80, 3)).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


@dataclass
class Training:
    """A training that can be run, stopped and gone on with."""

    folder: Path
    recipe: Recipe
    network: Callable[[], nn.Module] = toy_network
    proxy: Callable[[], nn.Module | None] = lambda: None

    def __call__(self, stop_at: int | None = None) -> tuple[nn.Module, Fitted]:
        """Train; `stop_at` asks to stop before the step of that number, counted over this call."""
        images = toy_images()
        part, held_out = Part(images, np.arange(150), CPU), Part(images, np.arange(150, 200), CPU)
        prepare = Preprocess(part.shape, "dataset", part.channel_statistics(), 1, 8, CPU)
        self.model = self.network()
        asked = iter(range(10**9))
        self.news: list[Progress | EpochRow | Notice] = []

        def validate(model: nn.Module) -> tuple[float, float]:
            inputs = (prepare(batch.images) for batch in held_out.chunks(64))
            logits = torch.from_numpy(predict(model, inputs, Precision("off", CPU).autocast()))
            loss = nn.functional.cross_entropy(logits, held_out.labels).item()
            return loss, (logits.argmax(1) == held_out.labels).float().mean().item()

        fitted = fit(
            self.model,
            TrainBatches(part, self.recipe.batch_size, augment.build(self.recipe.augment), 0),
            prepare,
            validate,
            self.recipe,
            Precision(self.recipe.amp, CPU),
            Checkpoints(self.folder, "toy"),
            seed=0,
            report=self.news.append,
            stop_requested=lambda: stop_at is not None and next(asked) >= stop_at,
            proxy=self.proxy(),
        )
        return self.model, fitted


def same(ours: nn.Module, theirs: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))
