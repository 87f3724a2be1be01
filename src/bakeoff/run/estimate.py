"""How long a run will take, from a few of its steps."""

import time

import torch

from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import Split
from bakeoff.run.wiring import wire
from bakeoff.specs.run import RunSpec
from bakeoff.training import optimizers
from bakeoff.training.step import Step

SECONDS = 1.0  # to spend on measuring
MOST_STEPS = 50


def estimate_seconds(spec: RunSpec, images: ImageSet, split: Split, device: torch.device) -> float:
    """Return the seconds that the training steps of a resolved run take, measured on the run's first batches."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        parts = wire(spec, images, split, device)
        optimizer = optimizers.build(parts.model, spec.recipe.optimizer)
        step = Step(parts.model, optimizer, parts.prepare, spec.recipe, parts.precision, spec.recipe.batch_size)
        seconds: list[float] = []
        for batch in parts.batches.epoch(0):
            started = time.perf_counter()
            loss, _ = step(batch, spec.recipe.optimizer.lr)
            loss.item()  # waits for the device
            seconds.append(time.perf_counter() - started)
            if sum(seconds) > SECONDS or len(seconds) > MOST_STEPS:
                break
    steps = min(spec.recipe.epochs * parts.batches.steps_per_epoch, spec.recipe.max_steps or 2**62)
    settled = seconds[len(seconds) // 4 :] or seconds  # the first ones warm up
    return min(steps * sum(settled) / len(settled), spec.recipe.max_seconds or float("inf"))
