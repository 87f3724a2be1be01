"""The fastest of several engines for a network on this machine: measured once, and remembered."""

import json
import statistics
import time
from collections.abc import Iterable
from dataclasses import replace
from itertools import islice
from pathlib import Path

import torch

from bakeoff import durable
from bakeoff.data.imageset import ImageSet
from bakeoff.data.locations import Locations
from bakeoff.data.pipeline import endless
from bakeoff.data.splits import Split
from bakeoff.errors import ModelError
from bakeoff.run.device import device_name
from bakeoff.run.rehearsal import rehearsal
from bakeoff.run.resolve import PlannedRun
from bakeoff.specs.base import digest
from bakeoff.specs.run import RunSpec
from bakeoff.training.graph import why_not

# What is chosen from, by kind of device; the first is what the others must beat. On a CPU lean layers have won wherever
# they were measured (`benchmarks/engines.py`), and nothing is measured; nor are compilers, which take minutes.
CANDIDATES = {"cuda": ("eager", "graph")}
CLEARLY = 0.95  # of the time of the first; whoever measures again should come to the same choice
STEPS, ROUNDS = 20, 5


def with_fastest(
    asked: RunSpec, planned: PlannedRun, images: ImageSet, split: Split, device: torch.device, where: Locations
) -> PlannedRun:
    """Return a resolved run with the engine that is fastest here, if it was left open and there is a choice.

    The choice lies in a file of the cache folder, named by everything that it may depend on: the same run planned
    again computes as it began.
    """
    engines = CANDIDATES.get(device.type, ())
    recipe = planned.spec.recipe
    if asked.recipe.engine != "auto" or len(engines) < 2 or asked.protocol.deterministic or why_not(recipe):
        return planned
    path = where.cache / "engines" / f"{digest(_decides(planned, images, device))}.json"
    measured = _known(path)
    if measured is None:
        try:
            measured = speeds(planned, images, split, device, engines)
        except ModelError:  # which the run itself will tell
            return planned
        path.parent.mkdir(parents=True, exist_ok=True)
        durable.write(path, json.dumps(measured).encode())
    return _with_engine(planned, fastest(measured))


def fastest(seconds: dict[str, float]) -> str:
    """Return the fastest engine, and the first of them where none is clearly faster."""
    first = next(iter(seconds))
    best = min(seconds, key=lambda engine: seconds[engine])
    return best if seconds[best] < CLEARLY * seconds[first] else first


def speeds(
    planned: PlannedRun, images: ImageSet, split: Split, device: torch.device, engines: Iterable[str]
) -> dict[str, float]:
    """Return the median seconds of a step of a resolved run with each engine.

    Raises:
        ModelError: the weights do not fit the network, or the batch not in memory.
    """
    return {engine: _seconds(_with_engine(planned, engine), images, split, device) for engine in engines}


def _seconds(planned: PlannedRun, images: ImageSet, split: Split, device: torch.device) -> float:
    lr, found = planned.spec.recipe.optimizer.lr, []
    with rehearsal(planned, images, split, device) as ready:
        batches = endless(ready.parts.batches)
        for _ in range(ROUNDS + 1):
            started = time.perf_counter()
            for batch in islice(batches, STEPS):
                loss, _ = ready.take_step(batch, lr)
            loss.item()  # waits for the device
            found.append((time.perf_counter() - started) / STEPS)
    return statistics.median(found[1:])


def _with_engine(planned: PlannedRun, engine: str) -> PlannedRun:
    recipe = planned.spec.recipe.model_copy(update={"engine": engine})
    return replace(planned, spec=planned.spec.model_copy(update={"recipe": recipe}))


def _decides(planned: PlannedRun, images: ImageSet, device: torch.device) -> dict[str, object]:
    """Return what the speed of a step may depend on, as JSON types."""
    spec = planned.spec
    return {
        "model": spec.model.model_dump(mode="json", exclude={"label", "weights", "weights_sha256"}),
        "classes": images.num_classes,
        "images": list(images.images.shape[1:]),
        "recipe": spec.recipe.model_dump(mode="json", include={"batch_size", "amp", "augment", "ema"}),
        "optimizer": spec.recipe.optimizer.name,
        "device": device_name(device),
        "torch": torch.__version__,
    }


def _known(path: Path) -> dict[str, float] | None:
    """Return what was measured; None where nothing was, or the file is damaged."""
    try:
        found = {str(engine): float(seconds) for engine, seconds in json.loads(path.read_bytes()).items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return None
    return found or None
