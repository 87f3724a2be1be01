"""The ranking of a study's models, with its evidence, the spread over runs and the cost."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from bakeoff.evidence.estimate import Estimate
from bakeoff.evidence.verdict import Verdict
from bakeoff.records.run import RunRecord, RunState
from bakeoff.study.metrics import METRICS
from bakeoff.study.tuning import chosen_names
from bakeoff.study.variants import Variant

if TYPE_CHECKING:
    import pandas as pd


def leaderboard(
    variants: Iterable[Variant],
    verdict: Verdict | None = None,
    target_accuracy: float | None = None,
    metrics: Mapping[str, Verdict] | None = None,
) -> "pd.DataFrame":
    """Return one row per model and recipe, the best mean test accuracy first.

    Means and standard deviations (n - 1) are over the runs that are finished, one for each seed, or for each seed and
    fold; failed, diverged and unfinished runs are counted and never ranked. `runs` counts the finished ones. `params`
    are all weights, as Keras counts them; seconds are of training alone, with the features of a frozen backbone. Costs
    that runs of older versions did not measure are missing. `settings` is in how many recipes the model was tried, and
    `chosen` whether validation chooses this one (`study/tuning.py`).

    Args:
        variants: what was compared.
        verdict: on the variants by name. It gives `test_accuracy_low` and `test_accuracy_high`, the ends of the 95 %
            interval; `group`, letters that two rows share where they cannot be told apart; and `tied`, whether the row
            is one of several that cannot be told from the best.
        target_accuracy: of the validation images; adds `target_reached`, the runs that came so far, and
            `target_seconds_mean`, how long that took, missing unless all did.
        metrics: verdicts on other figures (`study/metrics.py`). They give `test_ece_mean`, the calibration error, and
            for every figure `test_..._low`, `test_..._high` and `test_..._group`, as for the accuracy.
    """
    import pandas as pd

    variants = tuple(variants)
    metrics = metrics or {}
    tried = Counter(variant.model for variant in variants)
    chosen = chosen_names(variants)
    rows = [
        _row(variant, verdict, metrics, target_accuracy)
        | {"settings": tried[variant.model], "chosen": variant.name in chosen}
        for variant in variants
    ]
    columns = [*_row(Variant("", "", "", ()), None, {}, target_accuracy), "settings", "chosen"]
    table = pd.DataFrame(rows, columns=columns)
    table = table.astype(dict.fromkeys(("params", "macs", "weights_bytes"), "Int64"))  # have integers and gaps
    order = ["test_accuracy_mean", "model", "recipe"]
    return table.sort_values(order, ascending=[False, True, True], na_position="last", ignore_index=True)


def _row(
    variant: Variant, verdict: Verdict | None, metrics: Mapping[str, Verdict], target_accuracy: float | None
) -> dict[str, Any]:
    done = variant.finished

    def mean(part: str, metric: str) -> float:
        return _mean(record.metrics[part][metric] for record in done if metric in record.metrics.get(part, {}))

    test = [record.metrics["test"]["accuracy"] for record in done]
    sizes = {record.parameters.total for record in done if record.parameters}
    return {
        "model": variant.model,
        "recipe": variant.recipe,
        "seeds": len({record.spec.seed for record in done}),
        "runs": len(done),
        "test_accuracy_mean": mean("test", "accuracy"),
        "test_accuracy_std": float(np.std(test, ddof=1)) if len(test) > 1 else float("nan"),
        **_evidence(variant.name, verdict),
        "test_plain_accuracy_mean": mean("test", "plain_accuracy"),
        "test_loss_mean": mean("test", "loss"),
        "test_top5_accuracy_mean": mean("test", "top5_accuracy"),
        "test_macro_f1_mean": mean("test", "macro_f1"),
        "test_roc_auc_mean": mean("test", "roc_auc"),
        **_other_evidence(variant.name, metrics),
        "corrupted_accuracy_mean": _mean(record.corrupted_accuracy for record in done),
        "val_accuracy_mean": mean("val", "accuracy"),
        "train_accuracy_mean": mean("train", "accuracy"),
        "params": max(sizes, default=None),
        **_costs(done),
        **({} if target_accuracy is None else _target(done, target_accuracy)),
        "failed": sum(record.state in (RunState.FAILED, RunState.DIVERGED) for record in variant.records),
        "deviations": len({deviation for record in variant.records for deviation in record.deviations}),
    }


def _costs(done: Sequence[RunRecord]) -> dict[str, Any]:
    costs = [record.cost for record in done if record.cost]
    latencies = [cost.latency.seconds for cost in costs if cost.latency]
    throughputs = [cost.throughput.images_per_second for cost in costs if cost.throughput]
    return {
        "train_seconds_mean": _mean([cost.training_seconds for cost in costs]),
        "images_per_second_mean": _mean([cost.images_per_second for cost in costs]),
        "best_seconds_mean": _mean([record.seconds_to_best for record in done]),
        "macs": max((cost.macs for cost in costs if cost.macs is not None), default=None),
        "latency_seconds_mean": _mean(latencies),
        "throughput_mean": _mean(throughputs),
        "peak_memory_bytes_mean": _mean([cost.peak_memory_bytes for cost in costs]),
        "weights_bytes": max((cost.weights_bytes for cost in costs), default=None),
        "joules_mean": _mean([cost.joules for cost in costs]),
        "joules_of": "/".join(sorted({cost.joules_of for cost in costs} - {""})) or None,
    }


def _target(done: Sequence[RunRecord], accuracy: float) -> dict[str, Any]:
    seconds = [record.seconds_to(accuracy) for record in done]
    reached = [one for one in seconds if one is not None]
    return {
        "target_reached": len(reached),
        "target_seconds_mean": _mean(reached if len(reached) == len(done) else []),
    }


def _mean(values: Iterable[float | None]) -> float:
    known = [value for value in values if value is not None]
    return float(np.mean(known)) if known else float("nan")


def _evidence(name: str, verdict: Verdict | None) -> dict[str, Any]:
    found = _estimate(name, verdict)
    return {
        "test_accuracy_low": found.low if found else float("nan"),
        "test_accuracy_high": found.high if found else float("nan"),
        "group": verdict.letters[name] if verdict and found else "",
        "tied": len(verdict.best) > 1 and name in verdict.best if verdict and found else False,
    }


def _other_evidence(name: str, metrics: Mapping[str, Verdict]) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for metric in METRICS:
        verdict = metrics.get(metric)
        found = _estimate(name, verdict)
        if metric == "ece":
            row["test_ece_mean"] = found.mean if found else float("nan")
        row[f"test_{metric}_low"] = found.low if found else float("nan")
        row[f"test_{metric}_high"] = found.high if found else float("nan")
        row[f"test_{metric}_group"] = verdict.letters[name] if verdict and found else ""
    return row


def _estimate(name: str, verdict: Verdict | None) -> Estimate | None:
    return next((one for one in verdict.estimates if one.name == name), None) if verdict else None
