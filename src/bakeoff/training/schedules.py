"""Learning rate schedules."""

import math
from typing import Any

from bakeoff.specs.recipe import ScheduleSpec


class Schedule:
    """The learning rate at every step.

    Args:
        spec: which schedule.
        base: the base learning rate.
        steps_per_epoch: optimizer steps in an epoch.
        total_steps: steps of the whole training.
    """

    def __init__(self, spec: ScheduleSpec, base: float, steps_per_epoch: int, total_steps: int) -> None:
        self._spec = spec
        self._base = base
        self._steps_per_epoch = steps_per_epoch
        self._warmup = min(round(spec.warmup_epochs * steps_per_epoch), total_steps)
        self._total = total_steps
        # The state of `plateau`, the only schedule that looks at results.
        self._factor = 1.0
        self._best = math.inf
        self._waited = 0

    def lr(self, step: int, spent: float = 0.0) -> float:
        """Return the rate for a step, counted from 0.

        Args:
            step: steps done before this one.
            spent: share of a time budget that is used up; the schedule follows it where it is ahead of the steps.
        """
        if step < self._warmup:
            return self._base * (step + 1) / (self._warmup + 1)
        steps = max(1, self._total - self._warmup)
        return self._base * self._shape(max((step - self._warmup) / steps, spent), step)

    def epoch_ended(self, val_loss: float | None, val_accuracy: float | None) -> None:
        """Tell `plateau` how an epoch went; the other schedules do not listen."""
        if self._spec.name != "plateau":
            return
        # Smaller is better, so that accuracy counts as its negative.
        value = val_loss if self._spec.monitor == "val_loss" else None if val_accuracy is None else -val_accuracy
        assert value is not None, "a plateau schedule is refused where there is no validation set"
        if value < self._best - 1e-4:
            self._best, self._waited = value, 0
            return
        self._waited += 1
        if self._waited >= self._spec.patience:
            least = self._spec.min_lr / self._base
            self._factor, self._waited = max(self._factor * self._spec.gamma, min(least, self._factor)), 0

    def state(self) -> dict[str, Any]:
        """Return what a checkpoint must keep."""
        return {"factor": self._factor, "best": self._best, "waited": self._waited}

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a state."""
        self._factor, self._best, self._waited = state["factor"], state["best"], state["waited"]

    def _shape(self, progress: float, step: int) -> float:
        """Return the factor of the base rate; `progress` goes from 0 to 1 after the warm-up."""
        final = self._spec.final
        match self._spec.name:
            case "constant":
                return 1.0
            case "step":
                return self._spec.gamma ** (step // self._steps_per_epoch // self._spec.step_epochs)
            case "linear":
                return 1 - (1 - final) * progress
            case "cosine":
                return final + (1 - final) * (1 + math.cos(math.pi * min(1.0, progress))) / 2
            case "onecycle":
                peak = self._spec.peak
                rising = progress < peak
                along = progress / peak if rising else (1 - progress) / (1 - peak)
                low = self._spec.start if rising else final  # fastai starts at 1/25 of the peak
                return low + (1 - low) * max(0.0, along)
            case "plateau":
                return self._factor
