"""Everything that training changes, in one place, so that a checkpoint can hold all of it."""

import time
from dataclasses import asdict
from typing import Any

import torch
from torch import Tensor, nn

from bakeoff.data.pipeline import mix_seed
from bakeoff.models.transfer import training_mode
from bakeoff.records.run import EpochRow
from bakeoff.training.average import Lookahead, WeightAverage
from bakeoff.training.hard_examples import Proxy
from bakeoff.training.schedules import Schedule
from bakeoff.training.selection import Selection
from bakeoff.training.step import Step

_OF_TRAINING = ("best.", "optimizer.", "proxy_optimizer.")
_COUNTERS = ("epoch", "step", "steps", "images", "lr", "seconds", "epoch_seconds")


class TrainingState:
    """Where training stands. What is not in `tensors` and `scalars` does not survive an interruption.

    Attributes:
        epoch: epochs done.
        step: steps done in the current epoch.
        steps: steps done in all.
        images: images gone through in the current epoch.
        lr: learning rate of the last step.
        seconds: spent on training in the epochs that are done.
        epoch_seconds: spent on training in the current epoch.
        rows: of the epochs that are done.
    """

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        take_step: Step,
        schedule: Schedule,
        selection: Selection,
        average: WeightAverage | Lookahead | None,
        proxy: Proxy | None,
        steps_per_epoch: int,
        device: torch.device,
    ) -> None:
        self.model, self.optimizer, self.take_step = model, optimizer, take_step
        self.schedule, self.selection, self.average, self.proxy = schedule, selection, average, proxy
        self.epoch = self.step = self.steps = self.images = 0
        self.lr = self.seconds = self.epoch_seconds = 0.0
        self.rows: list[EpochRow] = []
        self._device = device
        self._losses = torch.zeros(steps_per_epoch, device=device)  # of the current epoch
        self._correct = torch.zeros((), dtype=torch.int64, device=device)
        self._mark = time.perf_counter()

    @property
    def evaluated(self) -> nn.Module:
        """The model whose figures count: the averaged one, where there is one."""
        return self.average.model if self.average else self.model

    @property
    def spent(self) -> float:
        """Seconds of training so far."""
        return self.seconds + self.epoch_seconds

    def begin_epoch(self, seed: int) -> None:
        """Start the clock, and, at the first step of an epoch, the generator that dropout draws from."""
        training_mode(self.model)
        if self.step == 0:
            torch.manual_seed(mix_seed(seed, self.epoch))
        self.start_clock()

    def start_clock(self) -> None:
        """Count seconds from now."""
        self._mark = time.perf_counter()

    def step_done(self, loss: Tensor, correct: Tensor, images: int, lr: float) -> None:
        """Count a step, without waiting for the device."""
        self._losses[self.step] = loss
        self._correct += correct
        self.images += images
        self.lr = lr
        self.step += 1
        self.steps += 1
        if self.average:
            self.average.update(self.steps)
        self._tick()

    def figures(self) -> tuple[float, float]:
        """Return the mean loss and the accuracy of the epoch so far, once the device is done with it."""
        figures = self._losses[: self.step].mean().item(), self._correct.item() / max(1, self.images)
        self._tick()
        return figures

    def first_bad_step(self) -> int | None:
        """Return the first step of the epoch, from 1, whose loss was not finite."""
        bad = (~self._losses[: self.step].isfinite()).nonzero()
        return int(bad[0]) + 1 if len(bad) else None

    def loss_before(self, step: int) -> float:
        """Return the loss of the step before one of this epoch, nan at the first."""
        return self._losses[step - 2].item() if step > 1 else float("nan")

    def end_epoch(self, val_loss: float | None, val_accuracy: float | None) -> EpochRow:
        """Close the epoch; return its row."""
        loss, accuracy = self.figures()
        speed = self.images / self.epoch_seconds
        row = EpochRow(self.epoch + 1, self.lr, loss, accuracy, val_loss, val_accuracy, self.epoch_seconds, speed)
        self.rows.append(row)
        self.selection.epoch_ended(row.epoch, self.evaluated, val_loss, val_accuracy)
        self.schedule.epoch_ended(val_loss, val_accuracy)
        self.seconds += self.epoch_seconds
        self.epoch += 1
        self.step = self.images = 0
        self.epoch_seconds = 0.0
        self._correct.zero_()
        return row

    def tensors(self) -> dict[str, Tensor]:
        """Return every tensor of the state by a unique name."""
        named = {"losses": self._losses, "correct": self._correct, "generator.cpu": torch.get_rng_state()}
        if self._device.type == "cuda":
            named["generator.cuda"] = torch.cuda.get_rng_state(self._device)
        named |= {f"model.{name}": tensor for name, tensor in self.model.state_dict().items()}
        named |= {f"best.{name}": tensor for name, tensor in self.selection.weights.items()}
        if self.average:
            named |= {f"average.{name}": tensor for name, tensor in self.average.model.state_dict().items()}
        named |= _of_optimizer("optimizer", self.optimizer)
        if self.proxy:
            named |= {f"proxy.{name}": tensor for name, tensor in self.proxy.model.state_dict().items()}
            named |= _of_optimizer("proxy_optimizer", self.proxy.optimizer)
        return named

    def scalars(self) -> dict[str, Any]:
        """Return everything else, as JSON types."""
        return {name: getattr(self, name) for name in _COUNTERS} | {
            "rows": [asdict(row) for row in self.rows],
            "schedule": self.schedule.state(),
            "selection": self.selection.state(),
            "scaler": self.take_step.scaler.state_dict(),
            **({"proxy_scaler": self.proxy.step.scaler.state_dict()} if self.proxy else {}),
            "piece_size": self.take_step.piece_size,
            "tensors": sorted(self.tensors()),
        }

    def misfits(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> list[str]:
        """Return what a checkpoint lacks, or has and this state has not, such as one of another device or version.

        Weights of the best epoch and the state of the optimizer come with training: there a checkpoint must have
        what it says itself.
        """
        ours = {name for name in self.tensors() if not name.startswith(_OF_TRAINING)}
        theirs = {name for name in scalars.get("tensors", ()) if name.startswith(_OF_TRAINING)}
        return sorted(((ours | theirs) ^ tensors.keys()) | (scalars.keys() ^ self.scalars().keys()))

    def restore(self, tensors: dict[str, Tensor], scalars: dict[str, Any]) -> None:
        """Go on from a checkpoint without `misfits`."""

        def under(prefix: str) -> dict[str, Tensor]:
            return {
                name.removeprefix(prefix): value.to(self._device)
                for name, value in tensors.items()
                if name.startswith(prefix)
            }

        self.model.load_state_dict(under("model."))
        if self.average:
            self.average.model.load_state_dict(under("average."))
        self.selection.restore(scalars["selection"], under("best."))
        _restore_optimizer(self.optimizer, under("optimizer."))
        if self.proxy:
            self.proxy.model.load_state_dict(under("proxy."))
            _restore_optimizer(self.proxy.optimizer, under("proxy_optimizer."))
            self.proxy.step.scaler.load_state_dict(scalars["proxy_scaler"])
        self.schedule.restore(scalars["schedule"])
        self.take_step.scaler.load_state_dict(scalars["scaler"])
        self.take_step.piece_size = scalars["piece_size"]
        self._losses.copy_(tensors["losses"])
        self._correct.copy_(tensors["correct"])
        for name in _COUNTERS:
            setattr(self, name, scalars[name])
        self.rows = [EpochRow(**row) for row in scalars["rows"]]
        torch.set_rng_state(tensors["generator.cpu"])
        if self._device.type == "cuda":
            torch.cuda.set_rng_state(tensors["generator.cuda"], self._device)

    def _tick(self) -> None:
        now = time.perf_counter()
        self.epoch_seconds += now - self._mark
        self._mark = now


def _of_optimizer(name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return every tensor of an optimizer's state by a name that begins with its own."""
    return {
        f"{name}.{index}.{key}": value
        for index, values in optimizer.state_dict()["state"].items()
        for key, value in values.items()
        if value is not None
    }


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    """Go on from tensors of an optimizer's state, without its name before theirs."""
    weights = [weight for group in optimizer.param_groups for weight in group["params"]]
    state: dict[int, dict[str, Tensor]] = {}
    for name, value in tensors.items():
        index, _, key = name.partition(".")
        weight = weights[int(index)]
        # Fused optimizers go through weights and state in the order of memory, so both must lie alike there.
        like = torch.empty_like(weight, dtype=value.dtype) if value.shape == weight.shape else value
        state.setdefault(int(index), {})[key] = like.copy_(value)
    optimizer.load_state_dict({**optimizer.state_dict(), "state": state})
