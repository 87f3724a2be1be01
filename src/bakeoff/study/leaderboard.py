"""The ranking of a study's models, with the spread over seeds and the cost."""

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.records.run import RunRecord, RunState

if TYPE_CHECKING:
    import pandas as pd


def leaderboard(records: Iterable[RunRecord]) -> "pd.DataFrame":
    """Return one row per model and recipe, the best mean test accuracy first.

    Means and standard deviations (n - 1) are over the seeds whose runs are finished; failed, diverged and unfinished
    runs are counted and never ranked. `params` are all weights, as Keras counts them; seconds are of training alone.
    """
    import pandas as pd

    groups: dict[tuple[str, str], list[RunRecord]] = {}
    for record in records:
        groups.setdefault((record.spec.model.title, record.spec.recipe.name), []).append(record)
    rows = [_row(model, recipe, group) for (model, recipe), group in groups.items()]
    table = pd.DataFrame(rows, columns=list(_row("", "", [])))
    order = ["test_accuracy_mean", "model", "recipe"]
    return table.sort_values(order, ascending=[False, True, True], na_position="last", ignore_index=True)


def _row(model: str, recipe: str, group: list[RunRecord]) -> dict[str, Any]:
    done = [record for record in group if record.state is RunState.FINISHED]

    def mean(part: str, metric: str) -> float:
        values = [record.metrics[part][metric] for record in done if part in record.metrics]
        return float(np.mean(values)) if values else float("nan")

    test = [record.metrics["test"]["accuracy"] for record in done]
    costs = [record.cost for record in done if record.cost]
    sizes = {record.parameters.total for record in done if record.parameters}
    return {
        "model": model,
        "recipe": recipe,
        "seeds": len(done),
        "test_accuracy_mean": mean("test", "accuracy"),
        "test_accuracy_std": float(np.std(test, ddof=1)) if len(test) > 1 else float("nan"),
        "test_loss_mean": mean("test", "loss"),
        "test_macro_f1_mean": mean("test", "macro_f1"),
        "test_roc_auc_mean": mean("test", "roc_auc"),
        "val_accuracy_mean": mean("val", "accuracy"),
        "train_accuracy_mean": mean("train", "accuracy"),
        "params": max(sizes, default=None),
        "train_seconds_mean": float(np.mean([cost.train_seconds for cost in costs])) if costs else float("nan"),
        "images_per_second_mean": float(np.mean([c.images_per_second for c in costs])) if costs else float("nan"),
        "failed": sum(record.state in (RunState.FAILED, RunState.DIVERGED) for record in group),
        "deviations": len({deviation for record in group for deviation in record.deviations}),
    }
