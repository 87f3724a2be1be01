"""Which epoch's weights are kept, and when to stop looking for better ones."""

import math
from typing import Any

from torch import Tensor, nn

from bakeoff.specs.recipe import Recipe


class Selection:
    """Keeps a copy of the weights of the best epoch, and counts the epochs since.

    Without validation, or where the recipe selects the last epoch, every epoch counts as better than the one before.
    """

    def __init__(self, recipe: Recipe) -> None:
        self._monitor = recipe.monitor if recipe.select == "best" else None
        self._stopping = recipe.early_stopping
        self._head_epochs = recipe.head_epochs
        self._watched = recipe.monitor
        self._best = math.inf
        self._best_for_stopping = math.inf
        self._waited = 0
        self.best_epoch: int | None = None
        self.weights: dict[str, Tensor] = {}

    def epoch_ended(self, epoch: int, model: nn.Module, val_loss: float | None, val_accuracy: float | None) -> None:
        """Compare an epoch, counted from 1, and copy the model's weights if it is the best so far.

        Of two epochs of equal accuracy the one of smaller loss is better.
        """
        if self._monitor is None or val_loss is None or val_accuracy is None:
            self.best_epoch = epoch
            self.weights = {}
        elif (value := _cost(self._monitor, val_loss, val_accuracy)) < self._best:
            self._best = value
            self.best_epoch = epoch
            self.weights = {name: tensor.detach().clone() for name, tensor in model.state_dict().items()}
        if self._stopping and val_loss is not None and val_accuracy is not None:
            value = val_loss if self._watched == "val_loss" else -val_accuracy
            if value < self._best_for_stopping - self._stopping.min_delta:
                self._best_for_stopping, self._waited = value, 0
            elif epoch > self._head_epochs:  # what is still to be thawed may improve things
                self._waited += 1

    @property
    def should_stop(self) -> bool:
        """Whether the recipe's patience is at an end."""
        return self._stopping is not None and self._waited >= self._stopping.patience

    def restore_best(self, model: nn.Module) -> None:
        """Give the model the weights of the best epoch."""
        if self.weights:
            model.load_state_dict(self.weights)

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must keep, besides the weights."""
        return {
            "best": self._best,
            "best_for_stopping": self._best_for_stopping,
            "waited": self._waited,
            "best_epoch": self.best_epoch,
        }

    def restore(self, state: dict[str, Any], weights: dict[str, Tensor]) -> None:
        """Go on from a state."""
        self._best, self._best_for_stopping = state["best"], state["best_for_stopping"]
        self._waited, self.best_epoch = state["waited"], state["best_epoch"]
        self.weights = weights


def _cost(monitor: str, val_loss: float, val_accuracy: float) -> float:
    # A loss far below any real difference of accuracy only decides ties.
    return val_loss if monitor == "val_loss" else -val_accuracy + 1e-9 * min(val_loss, 1e3)
