"""What a few steps of a run tell: how long it will take, and which learning rates train it."""

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, repeat
from pathlib import Path

import torch
from torch import nn

from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Batch, endless
from bakeoff.data.splits import Split
from bakeoff.run.busy import Awake
from bakeoff.run.rehearsal import rehearsal
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.wiring import Parts, can_cache, missing_features
from bakeoff.specs.run import RunSpec
from bakeoff.training import optimizers
from bakeoff.training.features import splits_into
from bakeoff.training.lr_finder import LRCurve, find_lr
from bakeoff.training.progressive import small_side
from bakeoff.training.recorded import worth_recording
from bakeoff.training.step import Step

SECONDS, MOST_SECONDS = 1.0, 10.0  # to spend on measuring, and at most where steps take long
LEAST_STEPS, MOST_STEPS = 4, 50


@dataclass(frozen=True)
class Estimate:
    """How long a run will take, by its first batches.

    Attributes:
        training: seconds of its training steps.
        features: seconds that each file of a frozen backbone's features takes which is not in the cache yet. Other runs
            with the same file need not compute it.
        awake: the share of a core that this process had while steps were clocked; see `bakeoff.run.busy`.
    """

    training: float
    features: Mapping[Path, float]
    awake: float | None = None


def estimate(planned: PlannedRun, images: ImageSet, split: Split, device: torch.device, features: Path) -> Estimate:
    """Return how long a resolved run will take.

    Args:
        planned: the run.
        images: its data set.
        split: its parts.
        device: to compute on.
        features: folder of the features of frozen backbones.
    """
    spec, recipe = planned.spec, planned.spec.recipe
    with rehearsal(planned, images, split, device) as ready:
        parts, take_step, awake = ready.parts, ready.take_step, Awake(device)
        batches, files, turn, lr = endless(parts.batches), {}, count(), recipe.optimizer.lr
        steps = _whole_steps(spec, parts.batches.steps_per_epoch)
        if can_cache(spec, parts.model) and (found := splits_into(parts.model)):
            frozen, head = found
            if missing := missing_features(parts, spec, images.fingerprint, features, len(split.test)):
                a_batch = _settled(lambda batch: _through(frozen, parts, batch).images.sum().item(), batches)
                files = {file: seen * a_batch / parts.batches.batch_size for file, seen in missing.items()}
            batches = repeat(_through(frozen, parts, next(batches)))
            optimizer, recorded = (
                optimizers.build(head, recipe.optimizer),
                worth_recording(head, recipe, parts.batches.steps_per_epoch),
            )
            take_step = Step(
                head, optimizer, lambda images: images, recipe, parts.precision, recipe.batch_size, recorded=recorded
            )
        seconds = _settled(lambda batch: take_step(ready.picked(batch, lr, next(turn)), lr)[0].item(), batches)
        return Estimate(min(steps * seconds, recipe.max_seconds or float("inf")), files, awake.share())


def learning_rates(planned: PlannedRun, images: ImageSet, split: Split, device: torch.device) -> LRCurve:
    """Return the learning rate range test of a resolved run; see `bakeoff.training.lr_finder`."""
    with rehearsal(planned, images, split, device) as ready:
        return find_lr(ready.step, ready.parts.batches)


@torch.no_grad()
def _through(frozen: nn.Module, parts: Parts, batch: Batch) -> Batch:
    """Return a batch with features in place of images."""
    frozen.eval()
    with parts.precision.autocast():
        return Batch(frozen(parts.prepare(batch.images)).flatten(1), batch.targets)


def _whole_steps(spec: RunSpec, steps_per_epoch: int) -> float:
    """Return how many steps on images of full size a training comes to, when smaller ones count by their pixels."""
    recipe, size = spec.recipe, spec.model.image_size
    assert size is not None, "a resolved spec has a size"
    steps = recipe.total_steps(steps_per_epoch)
    if recipe.progressive is None:
        return steps
    small = min(steps, recipe.progressive.epochs * steps_per_epoch)
    return steps - small * (1 - (small_side(size, recipe.progressive.scale) / size) ** 2)


def _settled(work: Callable[[Batch], object], batches: Iterator[Batch]) -> float:
    """Return the mean seconds of fetching a batch and of work on it, when it has waited for the device at its end.

    The first half of the batches warms up: libraries are loaded, and memory is had from the kernel, page by page.
    """
    seconds: list[float] = []
    while not _enough(seconds):
        started = time.perf_counter()
        work(next(batches))
        seconds.append(time.perf_counter() - started)
    settled = seconds[len(seconds) // 2 :]
    return sum(settled) / len(settled)


def _enough(seconds: Sequence[float]) -> bool:
    spent, steps = sum(seconds), len(seconds)
    return spent > MOST_SECONDS or steps >= MOST_STEPS or (spent > SECONDS and steps >= LEAST_STEPS)
