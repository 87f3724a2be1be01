"""A run as flat names and values, as loggers want it."""

import json
from dataclasses import asdict

from bakeoff.records.run import EpochRow, RunRecord
from bakeoff.specs.base import flat
from bakeoff.specs.run import RunSpec


def settings(spec: RunSpec) -> dict[str, str]:
    """Return everything that decides a run by dotted names; what is no text as JSON."""
    return {
        name: value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        for name, value in flat(spec.content()).items()
    }


def of_epoch(row: EpochRow) -> dict[str, float]:
    """Return the figures of an epoch that it has, such as `epoch/val_accuracy`."""
    return {f"epoch/{name}": value for name, value in vars(row).items() if name != "epoch" and value is not None}


def of_run(record: RunRecord) -> dict[str, float]:
    """Return the final figures of every part, such as `final/test_accuracy`, and what the run cost."""
    final = {f"final/{part}_{name}": value for part, of in record.metrics.items() for name, value in of.items()}
    costs = flat(asdict(record.cost)) if record.cost else {}
    return {
        **final,
        **{f"cost/{name}": float(value) for name, value in costs.items() if isinstance(value, int | float)},
    }
