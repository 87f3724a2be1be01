"""Comparisons that take a second."""

from pathlib import Path
from typing import Any

import bakeoff
from bakeoff.records.run import RunRecord

SMALL = {"epochs": 1, "batch_size": 256, "amp": "off", "offline": True, "device": "cpu"}


def compare(out: Path, models: Any, **changes: Any) -> bakeoff.Result:
    return bakeoff.compare(changes.pop("data", "digits"), models, out=out, **{**SMALL, **changes})


def facts(run: RunRecord) -> tuple[Any, ...]:
    rows = [
        (row.epoch, row.lr, row.train_loss, row.train_accuracy, row.val_loss, row.val_accuracy) for row in run.epochs
    ]
    return run.run_id, run.state, rows, run.best_epoch, run.metrics
