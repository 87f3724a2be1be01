"""A study as JSON: everything that a program wants to know of it, without a page."""

import json
import math
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from bakeoff import __version__
from bakeoff.evidence.verdict import Verdict
from bakeoff.evidence.wording import sentences
from bakeoff.export.tables import rows
from bakeoff.records.run import RunRecord
from bakeoff.study.judgement import Judgement
from bakeoff.study.variants import variants

if TYPE_CHECKING:
    import pandas as pd

VERSION = 1  # of the format; a field that changes its meaning raises it


def as_record(
    about: Mapping[str, Any],
    records: tuple[RunRecord, ...],
    judgement: Judgement,
    table: "pd.DataFrame",
    metrics: Mapping[str, Verdict],
) -> str:
    """Return the verdict, the leaderboard, pairs, runs, protocol, hashes and environments. Gaps are null.

    Args:
        about: the content of study.json.
        records: every run.
        judgement: on the variants by name.
        table: the leaderboard.
        metrics: verdicts on other figures than accuracy.
    """
    found = variants(records)
    content = {
        "format": VERSION,
        "bakeoff": __version__,
        "study": about["study"],
        "command": about["command"],
        "hashes": {
            "study": about["study_id"],
            "data": about["data"]["fingerprint"],
            "split": about["data"]["split"],
        },
        "data": {key: about["data"][key] for key in ("class_names", "shape", "parts", "provenance")},
        "verdict": _verdict(judgement),
        "leaderboard": rows(table),
        "pairs": _pairs(judgement.verdict),
        "metrics": {
            name: {
                "groups": dict(verdict.letters),
                "estimates": [asdict(one) for one in verdict.estimates],
                "pairs": _pairs(verdict),
            }
            for name, verdict in metrics.items()
        },
        "deviations": [
            {"model": variant.model, "recipe": variant.recipe, "seed": record.spec.seed, **asdict(deviation)}
            for variant in found
            for record in variant.records
            for deviation in record.deviations
        ],
        "runs": [_run(record) for record in records],
    }
    return json.dumps(_finite(content), indent=1, ensure_ascii=True, allow_nan=False)


def _verdict(judgement: Judgement) -> dict[str, Any]:
    verdict = judgement.verdict
    return {
        "sentences": list(sentences(verdict)) if verdict else [],
        "best": list(verdict.best) if verdict else [],
        "level": verdict.level if verdict else None,
        "test_images": verdict.images if verdict else None,
        "groups": dict(verdict.letters) if verdict else {},
        "estimates": [asdict(one) for one in verdict.estimates] if verdict else [],
        "reason": judgement.reason,
        "missing": list(judgement.missing),
    }


def _pairs(verdict: Verdict | None) -> list[dict[str, Any]]:
    return [{**asdict(pair), "different": pair.different} for pair in verdict.comparisons] if verdict else []


def _run(record: RunRecord) -> dict[str, Any]:
    return {
        "id": record.run_id,
        "model": record.spec.model.title,
        "recipe": record.spec.recipe.name,
        "seed": record.spec.seed,
        "fold": record.spec.fold,
        "state": record.state.value,
        "error": record.error,
        "best_epoch": record.best_epoch,
        "metrics": record.metrics,
        "cost": asdict(record.cost) if record.cost else None,
        "parameters": asdict(record.parameters) if record.parameters else None,
        "started": record.started,
        "finished": record.finished,
        "environment": record.environment,
    }


def _finite(value: Any) -> Any:
    """Return the same with None for numbers that JSON does not have."""
    if isinstance(value, float) and not math.isfinite(value):
        return None
    if isinstance(value, Mapping):
        return {str(key): _finite(of) for key, of in value.items()}
    return [_finite(of) for of in value] if isinstance(value, list | tuple) else value
