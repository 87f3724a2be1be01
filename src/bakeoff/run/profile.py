"""Where the time of a training step goes, and how near it comes to what the machine can do."""

import os
import statistics
import time
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import torch

from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Batch, endless
from bakeoff.data.splits import Split
from bakeoff.errors import StoreError
from bakeoff.models.operations import counting_macs
from bakeoff.run.busy import Awake, crowded
from bakeoff.run.rehearsal import Rehearsal, rehearsal
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.wiring import can_cache
from bakeoff.specs.recipe import Recipe
from bakeoff.specs.run import RunSpec
from bakeoff.store.folder import run_name

PHASES = ("data", "pick", "prepare", "forward", "backward", "optimizer")
SECONDS, LEAST_STEPS, MOST_STEPS = 4.0, 5, 100  # to measure for
TRACED_STEPS = 3
OPERATIONS = 8  # that are named


@dataclass(frozen=True)
class Profile:
    """A step of a run, by medians over several.

    Attributes:
        batch_size: images in a step.
        steps: that were measured.
        seconds: of each of `PHASES`: gathering and augmenting the batch, picking its hardest images, making them the
            network's input, the forward pass, the loss and the backward pass, the update.
        total: seconds of a whole step; what the phases leave of it is other work.
        operations: the slowest of them, each with its share of the time that all take.
        flops: floating-point operations of a step: forward and backward pass, in matrix products and convolutions.
        ceiling: floating-point operations a second in the product of two large matrices, in the run's precision.
        frozen: whether the run computes features of a frozen backbone once, and then steps through its head alone.
        awake: the share of a core that this process had while steps were clocked; see `bakeoff.run.busy`.
    """

    batch_size: int
    steps: int
    seconds: Mapping[str, float]
    total: float
    operations: tuple[tuple[str, float], ...]
    flops: float
    ceiling: float
    frozen: bool
    awake: float | None = None

    @property
    def crowded(self) -> bool:
        """Whether others kept the processor so busy that these times say little of the run."""
        return crowded(self.awake)

    @property
    def images_per_second(self) -> float:
        """How fast training is."""
        return self.batch_size / self.total

    @property
    def input_bound(self) -> float:
        """Share of a step in which the network waits for its input."""
        return (self.seconds["data"] + self.seconds["prepare"]) / self.total

    @property
    def attained(self) -> float:
        """Rate of floating-point operations as a share of the ceiling."""
        return self.flops / self.total / self.ceiling


def profile(
    planned: PlannedRun, images: ImageSet, split: Split, device: torch.device, trace: Path | None = None
) -> Profile:
    """Measure the steps of a resolved run.

    Args:
        planned: the run.
        images: its data set.
        split: its parts.
        device: to compute on.
        trace: a file for a trace of some steps, as `trace_file` names it, which TensorBoard and Perfetto show.
    """
    recipe = planned.spec.recipe
    with rehearsal(planned, images, split, device) as ready:
        batches = endless(ready.parts.batches)
        flops = _flops(ready, batches, recipe)
        totals, phases, awake = _clocked(ready, batches, recipe.optimizer.lr, device)
        operations = _operations(ready, batches, recipe.optimizer.lr, device, trace)
        return Profile(
            batch_size=min(recipe.batch_size, len(split.train)),
            steps=len(totals),
            seconds={phase: statistics.median(phases[phase]) for phase in PHASES},
            total=statistics.median(totals),
            operations=operations,
            flops=flops,
            ceiling=_ceiling(ready.parts.precision.dtype, device),
            frozen=can_cache(planned.spec, ready.parts.model),
            awake=awake,
        )


def trace_file(folder: Path, spec: RunSpec) -> Path:
    """Return the file for the trace of a run, in a folder of the run's name, which is made.

    Raises:
        StoreError: nothing can be written there.
    """
    path = folder / run_name(spec, spec.run_id) / "steps.pt.trace.json"  # TensorBoard goes by the end of the name
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        TemporaryFile(dir=path.parent).close()  # a folder that is there may still refuse
    except OSError as error:
        raise StoreError(
            f"cannot write traces to {folder}: {error.strerror}; give another folder with --trace"
        ) from None
    return path


def _clocked(
    ready: Rehearsal, batches: Iterator[Batch], lr: float, device: torch.device
) -> tuple[list[float], Mapping[str, list[float]], float | None]:
    """Return the seconds of whole steps and of each phase of them, and the share of a core meanwhile."""
    watch = _Stopwatch(device)
    model, optimizer = ready.parts.model, ready.optimizer
    hooks = [
        model.register_forward_pre_hook(lambda *_: watch.lap("prepare")),
        model.register_forward_hook(lambda *_: watch.lap("forward")),
    ]
    update = optimizer.step

    def watched(*args: Any) -> None:
        watch.lap("backward")
        update(*args)
        watch.lap("optimizer")

    optimizer.step = watched  # type: ignore[method-assign, assignment]
    totals: list[float] = []
    phases: dict[str, list[float]] = {phase: [] for phase in PHASES}
    awake = Awake(device)
    while len(totals) < LEAST_STEPS or (len(totals) < MOST_STEPS and sum(totals) < SECONDS):
        watch.start()
        batch = next(batches)
        watch.lap("data")
        picked = ready.picked(batch, lr, len(totals))
        watch.lap("pick")
        ready.step(picked, lr)
        watch.lap("other")
        totals.append(sum(watch.laps.values()))
        for phase, seconds in phases.items():
            seconds.append(watch.laps[phase])
    share = awake.share()
    for hook in hooks:
        hook.remove()
    optimizer.step = update  # type: ignore[method-assign]
    return totals, phases, share


class _Stopwatch:
    """Adds up the seconds of each phase; waits for the device at the end of every one."""

    def __init__(self, device: torch.device) -> None:
        self.laps: dict[str, float] = defaultdict(float)
        self._device = device
        self._last = 0.0

    def start(self) -> None:
        """Begin anew."""
        self.laps.clear()
        self._last = self._now()

    def lap(self, phase: str) -> None:
        """Count the time since the last lap as that of a phase."""
        now = self._now()
        self.laps[phase] += now - self._last
        self._last = now

    def _now(self) -> float:
        _wait(self._device)
        return time.perf_counter()


def _wait(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    elif device.type == "mps":
        torch.mps.synchronize()


def _flops(ready: Rehearsal, batches: Iterator[Batch], recipe: Recipe) -> float:
    """Return the floating-point operations of a step; steps are taken for it, which also warm up."""
    steps = recipe.hard_examples.every if recipe.hard_examples else 1  # in one of them a proxy learns, too
    with counting_macs() as macs:
        for index, batch in enumerate(islice(batches, steps)):
            ready.step(ready.picked(batch, 0.0, index), 0.0)
    return 2.0 * macs() / steps


def _operations(
    ready: Rehearsal, batches: Iterator[Batch], lr: float, device: torch.device, trace: Path | None
) -> tuple[tuple[str, float], ...]:
    """Return the slowest operations with their shares, and write the trace that was asked for."""
    os.environ.setdefault("KINETO_LOG_LEVEL", "99")  # the tracer tells its own story on stderr otherwise
    activities = [torch.profiler.ProfilerActivity.CPU]
    if device.type == "cuda":
        activities.append(torch.profiler.ProfilerActivity.CUDA)
    with torch.profiler.profile(activities=activities) as tracer:
        for index, batch in enumerate(islice(batches, TRACED_STEPS), 1):
            ready.step(ready.picked(batch, lr, index), lr)
        _wait(device)
    if trace:
        tracer.export_chrome_trace(str(trace))
    column = "self_device_time_total" if device.type == "cuda" else "self_cpu_time_total"
    spent = {event.key: float(getattr(event, column)) for event in tracer.key_averages()}
    everything = sum(spent.values()) or 1.0
    slowest = sorted(spent, key=lambda key: -spent[key])[:OPERATIONS]
    return tuple((key.removeprefix("aten::"), spent[key] / everything) for key in slowest)


def _ceiling(dtype: torch.dtype, device: torch.device) -> float:
    """Return the floating-point operations a second in the product of two large square matrices."""
    side = 8192 if device.type == "cuda" else 2048
    one, other = (torch.ones(side, side, dtype=dtype, device=device) for _ in range(2))
    seconds = []
    for _ in range(6):
        _wait(device)
        started = time.perf_counter()
        one @ other
        _wait(device)
        seconds.append(time.perf_counter() - started)
    return 2 * side**3 / statistics.median(seconds[1:])
