"""What a folder's study is after a further command: all that any of its commands asked for."""

from collections.abc import Mapping
from typing import Any

from bakeoff.specs.protocol import BESIDE

Study = Mapping[str, Any]  # as JSON types


def union(found: Study, asked: Study) -> dict[str, Any]:
    """Return a study of the models and seeds of both, and of what either is to tell besides.

    Args:
        found: the folder's study, of the same identity; one of an older version may lack what is told besides.
        asked: the study of a command.
    """
    both = {field: [*found[field], *_more(found, asked, field)] for field in ("models", "seeds")}
    there, here = found["protocol"], asked["protocol"]
    kept = {field: here[field] or there.get(field, here[field]) for field in BESIDE}
    return {**asked, **both, "protocol": {**here, **kept}}


def told(found: Study, asked: Study) -> str:
    """Say what a command adds to the study of its folder, and what stays that it did not ask for."""
    models = [_title(model) for model in _more(found, asked, "models")]
    seeds = [str(seed) for seed in _more(found, asked, "seeds")]
    there, here = (_besides(study["protocol"]) for study in (found, asked))
    added = [*models, *([f"seed{'s' * (len(seeds) > 1)} {' and '.join(seeds)}"] if seeds else [])]
    added += [words for field, words in here.items() if there.get(field) != words]
    kept = [words for field, words in there.items() if field not in here]
    parts = [f"added: {', '.join(added)}"] if added else []
    parts += [f"kept from before: {', '.join(kept)}"] if kept else []
    return "; ".join(parts)


def _more(found: Study, asked: Study, field: str) -> list[Any]:
    return [one for one in asked[field] if one not in found[field]]


def _title(model: Mapping[str, Any]) -> str:
    return str(model.get("label") or model["name"])


def _besides(protocol: Mapping[str, Any]) -> dict[str, str]:
    """Return what a protocol tells besides, in words."""
    words = {"robustness": "corrupted test images"} if protocol.get("robustness") else {}
    if protocol.get("target_accuracy"):
        words["target_accuracy"] = f"the time to {100 * protocol['target_accuracy']:g} % validation accuracy"
    return words
