"""Whole steps as CUDA graphs: recorded once, and replayed with one call of the host."""

from collections.abc import Callable

import torch
from torch import Tensor

from bakeoff.data.pipeline import Batch
from bakeoff.specs.recipe import Recipe
from bakeoff.training.step import Step

WARM_UP = 3  # steps before the recording, in which libraries choose their kernels and optimizers make their state

Figures = tuple[Tensor, Tensor]  # loss, and number of images that were right
Recorder = Callable[[Callable[[], Figures]], tuple[Callable[[], None], Figures]]


def why_not(recipe: Recipe) -> str:
    """Return why steps of a resolved recipe cannot be replayed, or nothing."""
    reasons = {
        "muon reads its learning rates on the host": recipe.optimizer.name == "muon",
        "fp16 decides on the host whether a step counts": recipe.amp == "fp16",
        "what is trained changes after head_epochs": bool(recipe.head_epochs),
        "what is trained changes after whiten_epochs": bool(recipe.whiten_epochs),
        "images change their size with progressive": recipe.progressive is not None,
        "hard_examples leave a part of each batch": recipe.hard_examples is not None,
    }
    return next((reason for reason, holds in reasons.items() if holds), "")


def cuda_graph(work: Callable[[], Figures]) -> tuple[Callable[[], None], Figures]:
    """Record work on the GPU without doing it; return what does it, and the tensors that it then writes to."""
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, capture_error_mode="thread_local"):  # other threads may go on with the GPU
        found = work()
    return graph.replay, found


class GraphedStep:
    """A step that is replayed for every full batch. The first steps, and batches of another size, are taken as usual.

    So the warm-up that recording needs is training, and nothing has to be undone. Weights, state of the optimizer and
    learning rates must stay where they are in memory from then on.

    Args:
        step: to be recorded; its optimizer has its learning rates on the device.
        record: see `cuda_graph`.

    Attributes:
        refused: why steps are taken as usual after all; empty while they are not.
    """

    def __init__(self, step: Step, record: Recorder) -> None:
        self.refused = ""
        self._step = step
        self._record = record
        self._full = step.piece_size
        self._warm = 0
        self._batch: Batch | None = None  # that the recording reads
        self._replay: Callable[[], None] | None = None
        self._figures: Figures | None = None

    def __call__(self, batch: Batch, lr: float) -> Figures:
        """Take a step; return the mean loss and the number of images that were right, until the next step."""
        if self._warm < WARM_UP or self.refused or not self._may_record(batch):
            self._warm += 1
            return self._step(batch, lr)
        self._step.set_lr(lr)
        if self._batch is None:
            self._batch = Batch(batch.images.clone(), batch.targets.clone())
        self._batch.images.copy_(batch.images)
        self._batch.targets.copy_(batch.targets)
        if self._replay is None and not self._recorded(self._batch):
            return self._step(batch, lr)
        assert self._replay, "just recorded"
        assert self._figures, "just recorded"
        self._replay()
        return self._figures

    def _may_record(self, batch: Batch) -> bool:
        if self._batch is not None:
            return batch.images.shape == self._batch.images.shape
        return len(batch) == self._full == self._step.piece_size  # which is smaller where memory is short

    def _recorded(self, batch: Batch) -> bool:
        try:
            self._replay, self._figures = self._record(lambda: self._step.whole(batch))
        except RuntimeError as error:
            self.refused = f"a step could not be recorded: {str(error).splitlines()[0]}"
            self._step.forget_gradients()
        return not self.refused
