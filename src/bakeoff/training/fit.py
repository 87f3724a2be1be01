"""The training loop."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice

from torch import Tensor, nn

from bakeoff.data.pipeline import Batches
from bakeoff.errors import DivergedError, InterruptedRunError, StoreError
from bakeoff.records.run import Deviation, EpochRow
from bakeoff.specs.recipe import NO_END, Recipe
from bakeoff.training import optimizers
from bakeoff.training.average import Lookahead, WeightAverage
from bakeoff.training.checkpoint import Autosave, Checkpoints
from bakeoff.training.graph import GraphedStep, cuda_graph
from bakeoff.training.hard_examples import Proxy
from bakeoff.training.phases import Phases
from bakeoff.training.precision import Precision
from bakeoff.training.progressive import Progressive
from bakeoff.training.recorded import worth_recording
from bakeoff.training.schedules import Schedule
from bakeoff.training.selection import Selection
from bakeoff.training.state import TrainingState
from bakeoff.training.step import Step

REPORT_SECONDS = 0.25  # between reports of progress, each of which waits for the device


@dataclass(frozen=True)
class Progress:
    """How far training is: the epoch from 1, the steps within it, and its figures so far."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    accuracy: float
    images_per_second: float


@dataclass(frozen=True)
class Notice:
    """Something that went wrong and was mended, of which the user should know."""

    text: str


@dataclass(frozen=True)
class Fitted:
    """What training left behind, besides the weights in the model."""

    rows: tuple[EpochRow, ...]
    best_epoch: int | None  # whose weights the model has, from 1
    seconds: float  # of training steps
    deviations: tuple[Deviation, ...]


def fit(
    model: nn.Module,
    batches: Batches,
    prepare: Callable[[Tensor], Tensor],
    validate: Callable[[nn.Module], tuple[float, float]] | None,
    recipe: Recipe,
    precision: Precision,
    checkpoints: Checkpoints,
    *,
    seed: int,
    report: Callable[[Progress | EpochRow | Notice], None],
    stop_requested: Callable[[], bool],
    proxy: nn.Module | None = None,
) -> Fitted:
    """Train a model in place, and leave it with the weights that the recipe selects.

    Args:
        model: on the device of the batches.
        batches: shuffled training batches.
        prepare: makes a batch's images into the model's input.
        validate: returns loss and accuracy on the validation images, or raises `InterruptedRunError`; None where there
            are none.
        recipe: how to train; its `amp` and `normalize` are already in `precision` and `prepare`.
        precision: the format to compute in.
        checkpoints: where training goes on from, if anything is there, and saves itself.
        seed: of dropout, the only randomness that is not in the batches.
        report: told of progress a few times a second, of every finished epoch, and of damaged checkpoints.
        stop_requested: asked before every step; once it says yes, training saves itself and stops.
        proxy: the small network that picks images, where the recipe has `hard_examples`.

    Raises:
        DivergedError: a loss or a weight was not finite.
        InterruptedRunError: `stop_requested` said yes.
        StoreError: the checkpoint is of another run, or lacks something.
    """
    steps, device = batches.steps_per_epoch, batches.part.device
    total_steps = recipe.total_steps(steps)
    phases = Phases(model, recipe)
    replayed = recipe.engine == "graph"
    optimizer = optimizers.build(model, recipe.optimizer, phases.rates, on_device=replayed)
    sized = Progressive(prepare, recipe)
    recorded = worth_recording(model, recipe, steps)
    step = Step(model, optimizer, sized, recipe, precision, batches.batch_size, recorded=recorded)
    take_step = GraphedStep(step, cuda_graph) if replayed else step
    schedule = Schedule(recipe.schedule, recipe.optimizer.lr, steps, total_steps)
    average = _average(model, recipe, total_steps)
    picker = Proxy(proxy, sized, recipe, precision) if proxy else None
    state = TrainingState(model, optimizer, step, schedule, Selection(recipe), average, picker, steps, device)
    _resume(state, checkpoints, report)
    autosave = Autosave(checkpoints)
    reported = time.perf_counter()
    enough = ""  # why training ends before its last epoch

    while state.epoch < recipe.epochs and not enough and (state.step or state.steps < total_steps):
        phases.begin(state.epoch)
        sized.begin(state.epoch)
        state.begin_epoch(seed)
        for batch in islice(batches.epoch(state.epoch, state.step), total_steps - state.steps):
            if stop_requested():
                autosave.now(state)
                raise InterruptedRunError(f"stopped in epoch {state.epoch + 1}; the same command goes on from there")
            time_share = state.spent / recipe.max_seconds if recipe.max_seconds else 0.0
            if time_share >= 1:
                break
            lr = schedule.lr(state.steps, time_share)
            taken = picker.pick(batch, lr, state.steps) if picker else batch
            loss, correct = take_step(taken, lr)
            state.step_done(loss, correct, len(taken), lr)
            autosave.if_due(state)
            if time.perf_counter() - reported > REPORT_SECONDS:
                _check_finite(state)
                report(_progress(state, recipe, steps))
                reported = time.perf_counter()
        _check_finite(state)
        state.figures()  # waits for the device, so that validation is not counted as training
        val_loss, val_accuracy = _validated(validate, state, autosave) if validate else (None, None)
        _check_finite(state, val_loss or 0.0, weights=True)
        report(state.end_epoch(val_loss, val_accuracy))
        enough = _why_enough(state, recipe)

    if average:
        model.load_state_dict(average.model.state_dict())
    state.selection.restore_best(model)
    deviations = _deviations(state, recipe, batches, take_step, enough)
    return Fitted(tuple(state.rows), state.selection.best_epoch, state.spent, deviations)


def _average(model: nn.Module, recipe: Recipe, total_steps: int) -> WeightAverage | Lookahead | None:
    """Return what averages the weights of a training, where its recipe wants that."""
    if recipe.lookahead:
        return Lookahead(model, total_steps)
    return WeightAverage(model, recipe.ema) if recipe.ema else None


def _resume(state: TrainingState, checkpoints: Checkpoints, report: Callable[[Notice], None]) -> None:
    """Go on from the newest whole checkpoint, where there is one."""
    saved = checkpoints.load()
    for note in checkpoints.notes:
        report(Notice(note))
    if saved is None:
        return
    if misfits := state.misfits(*saved):
        shown = ", ".join(misfits[:5]) + (f" and {len(misfits) - 5} more" if len(misfits) > 5 else "")
        raise StoreError(
            f"{checkpoints.folder}: the checkpoint is of another kind of device or version of bakeoff, as it differs "
            f"in {shown}; go on where it was made, or remove that folder to train the run anew"
        )
    state.restore(*saved)


def _validated(
    validate: Callable[[nn.Module], tuple[float, float]], state: TrainingState, autosave: Autosave
) -> tuple[float, float]:
    """Return loss and accuracy on the validation images; an interruption meanwhile loses no epoch."""
    try:
        return validate(state.evaluated)
    except InterruptedRunError:
        autosave.now(state)
        raise


def _why_enough(state: TrainingState, recipe: Recipe) -> str:
    """Return why training ends before its last epoch, or nothing."""
    if recipe.early_stopping and state.selection.should_stop:
        return f"early stopping: {recipe.monitor} did not improve for {recipe.early_stopping.patience} epochs"
    if recipe.max_seconds and state.spent >= recipe.max_seconds:
        return f"the {recipe.max_seconds:g} seconds of training were used up"
    if recipe.max_steps and state.steps >= recipe.max_steps:
        return f"the {recipe.max_steps} steps of training were used up"
    return ""


def _check_finite(state: TrainingState, val_loss: float = 0.0, *, weights: bool = False) -> None:
    """Raise `DivergedError` where a loss so far, or one of the weights, is not finite, with what was large."""
    largest = {name: float(w.detach().abs().max()) for name, w in state.model.named_parameters()} if weights else {}
    at = f"of epoch {state.epoch + 1}"
    if step := state.first_bad_step():
        found = f"the loss was not finite at step {step} {at}, after {state.loss_before(step):.4g} at the step before"
    elif bad := [name for name, value in largest.items() if not math.isfinite(value)]:
        found = f"weights in {bad[0]} were not finite after step {state.step} {at}"
    elif not math.isfinite(val_loss):
        found = f"the validation loss was not finite after step {state.step} {at}"
    else:
        return
    largest = {name: float(w.detach().abs().max()) for name, w in state.model.named_parameters()}
    name, value = max(largest.items(), key=lambda item: item[1] if item[1] == item[1] else math.inf)
    raise DivergedError(
        f"{found}, with a learning rate of {state.lr:.4g}; the largest weight was {value:.4g}, in {name}"
    )


def _progress(state: TrainingState, recipe: Recipe, steps: int) -> Progress:
    loss, accuracy = state.figures()
    speed = state.images / max(state.epoch_seconds, 1e-9)
    return Progress(state.epoch + 1, recipe.epochs, state.step, steps, loss, accuracy, speed)


def _deviations(
    state: TrainingState, recipe: Recipe, batches: Batches, taken: Step | GraphedStep, enough: str
) -> tuple[Deviation, ...]:
    found, step = [], state.take_step
    if isinstance(taken, GraphedStep) and taken.refused:
        found.append(Deviation("recipe.engine", "graph", "eager", taken.refused))
    if enough and state.steps < recipe.epochs * batches.steps_per_epoch:
        wanted = "as the budget allows" if recipe.epochs == NO_END else str(recipe.epochs)
        found.append(Deviation("recipe.epochs", wanted, str(state.epoch), enough))
    if step.piece_size < batches.batch_size:
        why = "out of memory: gradients of smaller pieces were summed, and the effective batch size is unchanged"
        if step.normalizes_batches:
            why += "; batch normalization saw pieces rather than batches, so that it is not quite the same training"
        found.append(Deviation("images in memory", str(batches.batch_size), str(step.piece_size), why))
    return tuple(found)
