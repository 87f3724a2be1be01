"""One optimizer step on one batch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.modules.batchnorm import _BatchNorm

from bakeoff.data.pipeline import Batch
from bakeoff.errors import ModelError
from bakeoff.specs.recipe import Recipe
from bakeoff.training.optimizers import set_lr
from bakeoff.training.precision import Precision
from bakeoff.training.recorded import RecordedPass


class Step:
    """Forward, backward and update. Where a batch does not fit in memory, it is gone through in smaller pieces.

    Args:
        model: the model to train, on the batches' device.
        optimizer: of its parameters.
        prepare: makes a batch's images into the model's input.
        recipe: gives label smoothing and the largest gradient norm.
        precision: the format to compute in.
        batch_size: images in a batch, at most.
        recorded: whether passes over full batches are recorded and repeated (`bakeoff.training.recorded`).

    Attributes:
        piece_size: images gone through at once, at most. The gradient is always that of the whole batch.
        normalizes_batches: whether the network has batch normalization, which sees pieces rather than batches.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        prepare: Callable[[Tensor], Tensor],
        recipe: Recipe,
        precision: Precision,
        batch_size: int,
        *,
        recorded: bool = False,
    ) -> None:
        self.scaler = precision.scaler()
        self.piece_size = batch_size
        self.normalizes_batches = any(isinstance(module, _BatchNorm) for module in model.modules())
        self._model = model
        self._optimizer = optimizer
        self._prepare = prepare
        self._recipe = recipe
        self._precision = precision
        self._full = batch_size
        self._recorded = RecordedPass(model, self._objective, precision.autocast) if recorded else None

    def __call__(self, batch: Batch, lr: float) -> tuple[Tensor, Tensor]:
        """Take a step; return the mean loss and the number of images that were right, both on the device.

        Raises:
            ModelError: not even a few images at once fit in memory.
        """
        while True:
            try:
                loss, correct = self._gradients(batch)
                break
            except (RuntimeError, MemoryError) as error:
                if not _is_out_of_memory(error):
                    raise
            self._optimizer.zero_grad()
            self._take_smaller_pieces(min(self.piece_size, len(batch)))
        self.set_lr(lr)
        self._update()
        return loss, correct

    def set_lr(self, lr: float) -> None:
        """Set the learning rate of what follows."""
        set_lr(self._optimizer, lr)

    def whole(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Take a step with the rate that is set, on a batch that fits in memory; nothing waits for the device."""
        loss, correct = self._forward_backward(batch, 1.0)
        self._update()
        return loss, correct

    def forget_gradients(self) -> None:
        """Leave nothing of a step that was begun."""
        self._optimizer.zero_grad()

    def _update(self) -> None:
        if self._recipe.clip_norm:
            self.scaler.unscale_(self._optimizer)
            nn.utils.clip_grad_norm_(self._model.parameters(), self._recipe.clip_norm)
        self.scaler.step(self._optimizer)
        self.scaler.update()
        self._optimizer.zero_grad()

    def _take_smaller_pieces(self, tried: int) -> None:
        least = 3 if self.normalizes_batches else 1  # in halves of 3 there would be a single image
        if tried <= least:
            raise ModelError(
                f"out of memory with {tried} images at once; choose a smaller input, network or number format"
            )
        self.piece_size = max(least, (tried + 1) // 2)
        torch.cuda.empty_cache()

    def _gradients(self, batch: Batch) -> tuple[Tensor, Tensor]:
        if self.piece_size >= len(batch):
            return self._forward_backward(batch, 1.0)
        count = -(-len(batch) // self.piece_size)
        # Of nearly equal size, so that none has a single image, on which batch normalization cannot train.
        pieces = map(Batch, batch.images.tensor_split(count), batch.targets.tensor_split(count))
        done = [self._forward_backward(piece, len(piece) / len(batch)) for piece in pieces]
        losses, counts = zip(*done, strict=True)
        return torch.stack(losses).sum(), torch.stack(counts).sum()

    def _forward_backward(self, batch: Batch, share: float) -> tuple[Tensor, Tensor]:
        inputs = self._prepare(batch.images)
        if self._recorded and len(batch) == self._full and (figures := self._recorded(inputs, batch.targets)):
            return figures
        with self._precision.autocast():
            loss, correct = self._objective(self._model(inputs), batch.targets)
            loss = loss * share
        self.scaler.scale(loss).backward()  # type: ignore[no-untyped-call]
        return loss.detach(), correct

    def _objective(self, logits: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
        """Return the mean loss, and the number of images that were right."""
        classes = targets if targets.ndim == 1 else targets.argmax(1)
        loss = functional.cross_entropy(logits, targets, label_smoothing=self._recipe.label_smoothing)
        return loss, (logits.argmax(1) == classes).sum()


def _is_out_of_memory(error: RuntimeError | MemoryError) -> bool:
    # On a CPU torch raises a plain RuntimeError, which only its text tells.
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "allocate memory" in str(error)
