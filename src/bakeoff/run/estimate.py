"""What a few steps of a run tell: how long it will take, and which learning rates train it."""

import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import torch
from torch import nn

from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Batch
from bakeoff.data.splits import Split
from bakeoff.run.busy import Awake
from bakeoff.run.rehearsal import rehearsal
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.wiring import Parts, can_cache, missing_features
from bakeoff.training import optimizers
from bakeoff.training.features import splits_into
from bakeoff.training.lr_finder import LRCurve, find_lr
from bakeoff.training.recorded import worth_recording
from bakeoff.training.step import Step

SECONDS = 1.0  # to spend on measuring
MOST_STEPS = 50


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
        batches, files = parts.batches.epoch(0), {}
        steps = recipe.total_steps(parts.batches.steps_per_epoch)
        if can_cache(spec, parts.model) and (found := splits_into(parts.model)):
            frozen, head = found
            if missing := missing_features(parts, spec, images.fingerprint, features, len(split.test)):
                a_batch = _settled(lambda batch: _through(frozen, parts, batch).images.sum().item(), batches)
                files = {file: count * a_batch / parts.batches.batch_size for file, count in missing.items()}
            batches = repeat(_through(frozen, parts, next(parts.batches.epoch(0))))
            optimizer, recorded = (
                optimizers.build(head, recipe.optimizer),
                worth_recording(head, recipe, parts.batches.steps_per_epoch),
            )
            take_step = Step(
                head, optimizer, lambda images: images, recipe, parts.precision, recipe.batch_size, recorded=recorded
            )
        seconds = _settled(lambda batch: take_step(batch, recipe.optimizer.lr)[0].item(), batches)  # item waits
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


def _settled(work: Callable[[Batch], object], batches: Iterable[Batch]) -> float:
    """Return the mean seconds of work on a batch, once it has warmed up."""
    seconds: list[float] = []
    for batch in batches:
        started = time.perf_counter()
        work(batch)
        seconds.append(time.perf_counter() - started)
        if sum(seconds) > SECONDS or len(seconds) > MOST_STEPS:
            break
    settled = seconds[len(seconds) // 4 :] or seconds
    return sum(settled) / len(settled)
