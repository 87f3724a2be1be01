"""What a few steps of a run tell: how long it will take, and which learning rates train it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import Split
from bakeoff.run.wiring import Parts, wire
from bakeoff.specs.run import RunSpec
from bakeoff.training import optimizers
from bakeoff.training.lr_finder import LRCurve, find_lr
from bakeoff.training.step import Step

SECONDS = 1.0  # to spend on measuring
MOST_STEPS = 50


def estimate_seconds(spec: RunSpec, images: ImageSet, split: Split, device: torch.device) -> float:
    """Return the seconds that the training steps of a resolved run take, measured on the run's first batches."""
    with _ready_to_step(spec, images, split, device) as (parts, step):
        seconds: list[float] = []
        for batch in parts.batches.epoch(0):
            started = time.perf_counter()
            loss, _ = step(batch, spec.recipe.optimizer.lr)
            loss.item()  # waits for the device
            seconds.append(time.perf_counter() - started)
            if sum(seconds) > SECONDS or len(seconds) > MOST_STEPS:
                break
        steps_per_epoch = parts.batches.steps_per_epoch
    steps = min(spec.recipe.epochs * steps_per_epoch, spec.recipe.max_steps or 2**62)
    settled = seconds[len(seconds) // 4 :] or seconds  # the first ones warm up
    return min(steps * sum(settled) / len(settled), spec.recipe.max_seconds or float("inf"))


def learning_rates(spec: RunSpec, images: ImageSet, split: Split, device: torch.device) -> LRCurve:
    """Return the learning rate range test of a resolved run; see `bakeoff.training.lr_finder`."""
    with _ready_to_step(spec, images, split, device) as (parts, step):
        return find_lr(step, parts.batches)


@contextmanager
def _ready_to_step(spec: RunSpec, images: ImageSet, split: Split, device: torch.device) -> Iterator[tuple[Parts, Step]]:
    """Give the parts of a run and its step, and leave the process's generators as they were."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        parts = wire(spec, images, split, device)
        parts.model.train()
        optimizer = optimizers.build(parts.model, spec.recipe.optimizer)
        yield parts, Step(parts.model, optimizer, parts.prepare, spec.recipe, parts.precision, spec.recipe.batch_size)
