"""A run made ready for a few steps that leave nothing behind."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch

from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Batch
from bakeoff.data.splits import Split
from bakeoff.models.transfer import training_mode
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.wiring import Parts, wire
from bakeoff.training import optimizers
from bakeoff.training.graph import GraphedStep, cuda_graph
from bakeoff.training.hard_examples import Proxy
from bakeoff.training.phases import Phases
from bakeoff.training.recorded import worth_recording
from bakeoff.training.step import Step


@dataclass(frozen=True)
class Rehearsal:
    """What takes steps as the run will.

    Attributes:
        parts: of the run.
        step: a step that can be looked into.
        take_step: the same as the run's engine takes it.
        optimizer: of both.
        picker: the small network that picks the images of a batch that are trained on, where the recipe has one.
    """

    parts: Parts
    step: Step
    take_step: Step | GraphedStep
    optimizer: torch.optim.Optimizer
    picker: Proxy | None

    def picked(self, batch: Batch, lr: float, step: int) -> Batch:
        """Return what is trained on of the batch of a step, which is counted from 0."""
        return self.picker.pick(batch, lr, step) if self.picker else batch


@contextmanager
def rehearsal(planned: PlannedRun, images: ImageSet, split: Split, device: torch.device) -> Iterator[Rehearsal]:
    """Give a resolved run ready to step, and leave the process's generators as they were."""
    recipe = planned.spec.recipe
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        parts = wire(planned, images, split, device)
        training_mode(parts.model)
        replayed = recipe.engine == "graph"
        rates = Phases(parts.model, recipe).rates
        optimizer = optimizers.build(parts.model, recipe.optimizer, rates, on_device=replayed)
        step = Step(parts.model, optimizer, parts.prepare, recipe, parts.precision, recipe.batch_size)
        take_step = GraphedStep(step, cuda_graph) if replayed else step
        if worth_recording(parts.model, recipe, parts.batches.steps_per_epoch):
            take_step = Step(
                parts.model, optimizer, parts.prepare, recipe, parts.precision, recipe.batch_size, recorded=True
            )
        picker = Proxy(parts.proxy, parts.prepare, recipe, parts.precision) if parts.proxy else None
        yield Rehearsal(parts, step, take_step, optimizer, picker)
