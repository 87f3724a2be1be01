"""What a few steps of a run tell: how long it will take, and which learning rates train it."""

import time
from collections.abc import Callable

import torch
from torch import nn

from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Batch
from bakeoff.data.splits import Split
from bakeoff.run.rehearsal import rehearsal
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.wiring import Parts, can_cache
from bakeoff.training.features import splits_into
from bakeoff.training.graph import GraphedStep
from bakeoff.training.lr_finder import LRCurve, find_lr
from bakeoff.training.step import Step

SECONDS = 1.0  # to spend on measuring
MOST_STEPS = 50


def estimate_seconds(planned: PlannedRun, images: ImageSet, split: Split, device: torch.device) -> float:
    """Return the seconds that the training steps of a resolved run take, measured on the run's first batches.

    Where features of a frozen backbone are cached, computing them is counted, as if none were there yet.
    """
    recipe = planned.spec.recipe
    with rehearsal(planned, images, split, device) as ready:
        parts, step = ready.parts, ready.take_step
        epochs = recipe.epochs
        once = 0.0
        if can_cache(planned.spec, parts.model) and (found := splits_into(parts.model)):
            seen = len(split.train) * (1 + recipe.views) + len(split.val) + len(split.test)
            once = _forward_seconds(found[0], parts) * seen
            epochs = 0  # a head's steps are nothing beside that
        seconds = _step_seconds(step, parts, recipe.optimizer.lr) if epochs else 0.0
        steps_per_epoch = parts.batches.steps_per_epoch
    steps = min(epochs * steps_per_epoch, recipe.max_steps or 2**62)
    return once + min(steps * seconds, recipe.max_seconds or float("inf"))


def learning_rates(planned: PlannedRun, images: ImageSet, split: Split, device: torch.device) -> LRCurve:
    """Return the learning rate range test of a resolved run; see `bakeoff.training.lr_finder`."""
    with rehearsal(planned, images, split, device) as ready:
        return find_lr(ready.step, ready.parts.batches)


def _step_seconds(step: Step | GraphedStep, parts: Parts, lr: float) -> float:
    return _settled(lambda batch: step(batch, lr)[0].item(), parts)  # item waits for the device


@torch.inference_mode()
def _forward_seconds(frozen: nn.Module, parts: Parts) -> float:
    """Return the seconds that frozen layers take for an image."""
    frozen.eval()

    def forward(batch: Batch) -> None:
        with parts.precision.autocast():
            frozen(parts.prepare(batch.images)).sum().item()

    return _settled(forward, parts) / parts.batches.batch_size


def _settled(work: Callable[[Batch], object], parts: Parts) -> float:
    """Return the mean seconds of work on a batch, once it has warmed up."""
    seconds: list[float] = []
    for batch in parts.batches.epoch(0):
        started = time.perf_counter()
        work(batch)
        seconds.append(time.perf_counter() - started)
        if sum(seconds) > SECONDS or len(seconds) > MOST_STEPS:
            break
    settled = seconds[len(seconds) // 4 :] or seconds
    return sum(settled) / len(settled)
