"""The product as users run it: `bakeoff.compare` with its checkpoints, database, logs and evaluation.

A round is an epoch of the one run of the study. Of `vgg16-frozen-block3` it is the whole training of as many epochs as
the task says, from an empty cache, whose time is that of the pass through the frozen layers and of all epochs.
"""

import os
import tempfile
from pathlib import Path

import torch
from rounds import Rounds

import bakeoff
from bakeoff.records.run import EpochRow
from bakeoff.run.resolve import PlannedRun
from bakeoff.study.observer import Observer
from bakeoff.training.precision import resolve_amp

FROZEN = {"name": "vgg16", "image_size": 32, "tap": "block3_pool", "pool": "flatten", "freeze": "backbone"}
MODELS = {"vgg16-frozen-block3": FROZEN | {"head": [256, 128, {"dropout": 0.3}, 64, "batch-norm"]}}
VERSIONS = {"bakeoff": bakeoff.__version__, "torch": torch.__version__}


class Turns(Observer):
    """Makes every epoch a round."""

    def __init__(self, rounds: Rounds, does: str) -> None:
        self.rounds, self.does = rounds, does

    def run_started(self, planned: PlannedRun, resumed: bool) -> None:  # noqa: ARG002
        """Wait for the first round."""
        self.rounds.wait(does=self.does, **VERSIONS)

    def progress(self, news: object) -> None:
        """End a round with an epoch."""
        if isinstance(news, EpochRow):
            self.rounds.done()


def study(task: dict, folder: Path, epochs: int, observer: Observer) -> bakeoff.Result:
    """Return the result of a study of one run."""
    optimizer = {"name": task["optimizer"], "lr": task["lr"], "eps": 1e-7}
    recipe = {"epochs": epochs, "batch_size": task["batch"], "optimizer": optimizer, "schedule": "constant"}
    recipe |= {"normalize": "unit", "select": "last", "amp": task.get("amp", "auto")}
    model = MODELS.get(task["network"], {"name": task["network"]})
    return bakeoff.compare(
        task["data"],
        [model],
        recipe=recipe,
        seeds=[task["seed"]],
        val_fraction=0,
        device="cpu",
        data_dir=task.get("data_dir"),
        offline=True,
        out=folder,
        observer=observer,
    )


def main() -> None:
    """Train when told to."""
    rounds = Rounds()
    task = rounds.task
    amp = resolve_amp(task.get("amp", "auto"), torch.device("cpu"))
    does = f"{'float32' if amp == 'off' else amp}; `compare` with checkpoints, database and logs"
    with tempfile.TemporaryDirectory() as folder:
        os.environ["BAKEOFF_CACHE"] = f"{folder}/cache"
        if "epochs" not in task:
            result = study(task, Path(folder) / "out", task["rounds"], Turns(rounds, does))
        else:
            rounds.wait(does=f"{does}; features of the frozen layers are computed once", **VERSIONS)
            for number in range(task["rounds"]):
                os.environ["BAKEOFF_CACHE"] = f"{folder}/cache{number}"
                result = study(task, Path(folder) / str(number), task["epochs"], Observer())
                rounds.done(result.runs[0].cost.training_seconds)
        (run,) = result.runs
        result.report()
        rounds.finish(accuracy=run.metrics["test"]["accuracy"], parameters=run.parameters.total)


if __name__ == "__main__":
    main()
