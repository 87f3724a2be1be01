"""A study that is killed at chosen points and started again, next to one that was not.

    python tests/torture/kills.py FOLDER KILLS SEED

One process imports everything and forks a child for each attempt, so that an attempt takes about a second. Prints lines
of JSON: the points that there are, the SHA-256 of everything that is compared, and for every case where it was killed
and what did not come out the same, bit for bit.
"""

import hashlib
import json
import os
import random
import signal
import sys
import traceback
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import faults
import pandas  # noqa: F401, imported once, before the forks, as are the next two
import tensorboard.summary.writer.record_writer  # noqa: F401
import torch._dynamo  # noqa: F401, as optimizers of torch do

import bakeoff
from bakeoff.records.run import EpochRow
from bakeoff.training.checkpoint import Autosave
from bakeoff.training.state import TrainingState

RECIPES = [
    {
        "name": "all at once",
        "epochs": 4,
        "batch_size": 64,
        "amp": "off",
        "ema": 0.9,
        "augment": ["flip", {"shift": 1}],
        "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.1},
        "schedule": {"name": "plateau", "patience": 1, "warmup_epochs": 0.5},
        "early_stopping": 3,
    }
]
MODELS = [
    {"name": "leaky-cnn-dropout"},
    {"name": "lenet5", "freeze": "backbone", "head": [8], "pool": "flatten"},
]
FROZEN = {"name": "cached", "base": "default", "epochs": 3, "batch_size": 64, "amp": "off"}


MEASURED = ("seconds", "images_per_second", "memory", "latency", "throughput", "joules")


def study(out: Path) -> None:
    """Train, saving after every second step, and note what the optimizer holds at the end of every epoch."""
    os.environ["BAKEOFF_CACHE"] = str(out.parent / f"{out.name}-cache")
    real = TrainingState.end_epoch

    def end_epoch(self: TrainingState, *values: float | None) -> EpochRow:
        digest = hashlib.sha256()
        for name, tensor in sorted(self.tensors().items()):
            if name.startswith(("optimizer.", "average.", "best.")):
                digest.update(name.encode() + tensor.contiguous().numpy().tobytes())
        with open(out.parent / f"{out.name}-states", "a") as notes:  # noqa: PTH123, not a point to be killed at
            notes.write(f"{self.epoch} {digest.hexdigest()}\n")
        return real(self, *values)

    TrainingState.end_epoch = end_epoch  # type: ignore[method-assign]
    Autosave.if_due = lambda self, state: None if state.steps % 2 else self.now(state)  # type: ignore[method-assign]
    for models, recipe, folder in ((MODELS[:1], RECIPES, out), (MODELS[1:], FROZEN, out / "frozen")):
        folder.parent.mkdir(exist_ok=True)
        plan = {"out": folder, "seeds": 1, "max_train": 256, "recipe": recipe, "device": "cpu", "offline": True}
        bakeoff.compare("digits", models, **plan)


def facts(out: Path) -> dict[str, Any]:
    """Return everything of a finished study that must not depend on whether it was killed."""
    found: dict[str, Any] = {"optimizer": sorted(set((out.parent / f"{out.name}-states").read_text().splitlines()))}
    for folder in (out, out / "frozen"):
        result = bakeoff.load(folder)
        table = result.leaderboard()
        timed = [column for column in table if any(word in column for word in MEASURED)]
        found[f"{folder.name} table"] = table.drop(columns=timed).to_csv()
        (run,) = result.runs
        found[f"{folder.name} run"] = (run.run_id, run.state, run.best_epoch, dict(run.metrics))
        timeless = [(r.epoch, r.lr, r.train_loss, r.train_accuracy, r.val_loss, r.val_accuracy) for r in run.epochs]
        found[f"{folder.name} epochs"] = timeless
        for file in ("weights.safetensors", "logits.safetensors", "spec.json"):
            content = (result.run_folder(run).path / file).read_bytes()
            found[f"{folder.name} {file}"] = hashlib.sha256(content).hexdigest()
        # A report is written by anybody, so that nobody can know whether a part of one is left over.
        found[f"{folder.name} leftovers"] = [str(p) for p in folder.rglob("*.partial") if "report" not in p.name]
        found[f"{folder.name} checkpoints"] = result.run_folder(run).checkpoints.exists()
    return found


def forked(work: Callable[[], None]) -> int:
    """Do some work in a child; return the number of the signal that ended it, 0 where it ended by itself."""
    if child := os.fork():
        _, status = os.waitpid(child, 0)
        assert os.WIFSIGNALED(status) or os.WEXITSTATUS(status) == 0, "the child failed: see above"
        return os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    try:
        work()
        os._exit(0)
    except BaseException:
        traceback.print_exc()
        os._exit(1)


def points_of(out: Path) -> list[str]:
    """Return the points that a study reaches, in order, after running it to the end."""
    log = out.parent / "points"

    def work() -> None:
        names: list[str] = []
        faults.watch(names.append)
        study(out)
        log.write_text("\n".join(names))

    forked(work)
    return log.read_text().splitlines()


def killed_at(out: Path, number: int) -> bool:
    """Run a study and kill it at the point of that number; return whether it came so far."""

    def work() -> None:
        left = iter(range(number, -1, -1))

        def tell(_: str) -> None:
            if next(left) == 0:
                os.kill(os.getpid(), signal.SIGKILL)

        faults.watch(tell)
        study(out)

    return forked(work) == signal.SIGKILL


def choose(points: list[str], kills: int, seed: int) -> list[list[int]]:
    """Return the cases, each a list of kills one after the other: every kind of point in turn, at random among its own.

    Every fifth case is killed three times.
    """
    rng = random.Random(seed)
    kinds = sorted(set(points))
    rng.shuffle(kinds)
    cases = []
    for number in range(kills):
        kind = kinds[number % len(kinds)]
        first = rng.choice([place for place, name in enumerate(points) if name == kind])
        cases.append([first, *(rng.randrange(len(points)) for _ in range(2 if number % 5 == 4 else 0))])
    return cases


def main(folder: Path, kills: int, seed: int) -> None:
    """Kill a study in all cases, and compare each with one that was not killed."""
    points = points_of(folder / "whole")
    print(json.dumps(dict(Counter(points))), flush=True)
    expected = facts(folder / "whole")
    sums = {what: hashlib.sha256(repr(fact).encode()).hexdigest() for what, fact in expected.items()}
    print(json.dumps({what.replace("whole", "out"): digest for what, digest in sums.items()}), flush=True)
    for number, case in enumerate(choose(points, kills, seed)):
        out = folder / f"case{number}"
        reached = [killed_at(out, place) for place in case]
        forked(lambda out=out: study(out))
        found = facts(out)
        differs = [what.replace(out.name, "out") for what in found if found[what] != expected[_whole(what, out)]]
        at = [points[place] if hit else "not reached" for place, hit in zip(case, reached, strict=True)]
        print(json.dumps({"points": case, "killed at": at, "differs": differs}), flush=True)


def _whole(what: str, out: Path) -> str:
    return f"whole{what.removeprefix(out.name)}" if what.startswith(out.name) else what


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]))
