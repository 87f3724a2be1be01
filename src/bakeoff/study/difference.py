"""Two studies side by side: in what their settings differ, and whether that changed the accuracy of their models."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from bakeoff.evidence.compare import Comparison, compare
from bakeoff.evidence.components import components
from bakeoff.evidence.cross_validation import compare_folds
from bakeoff.evidence.scores import EvidenceError, checked
from bakeoff.evidence.verdict import adjusted
from bakeoff.records.run import RunRecord
from bakeoff.store.folder import differences
from bakeoff.study.judgement import read_answers
from bakeoff.study.passes import Reader
from bakeoff.study.variants import variants


@dataclass(frozen=True)
class Side:
    """One of the two studies.

    Attributes:
        name: what it is called here.
        about: the content of its study.json.
        records: its runs.
        read: returns what a finished run said of a part.
    """

    name: str
    about: Mapping[str, Any]
    records: tuple[RunRecord, ...]
    read: Reader


@dataclass(frozen=True)
class Difference:
    """What differs between two studies.

    Attributes:
        settings: in what they differ, one thing each.
        comparisons: of every model that both have, that in the first study minus that in the second; p-values are
            corrected by Holm's method over all of them.
        only: models that one study alone has finished.
        reason: why nothing is compared; empty where something is.
    """

    settings: tuple[str, ...]
    comparisons: Mapping[str, Comparison]
    only: tuple[str, ...]
    reason: str = ""


def difference(one: Side, other: Side) -> Difference:
    """Compare two studies; figures only where both judged on the same test images."""
    settings = tuple(
        differences(one.about["identity"], other.about["identity"], names=(f"in {one.name}", f"in {other.name}"))
    )
    groups = [{variant.name: variant.finished for variant in variants(side.records)} for side in (one, other)]
    finished = [{name for name, records in group.items() if records} for group in groups]
    both, only = sorted(finished[0] & finished[1]), tuple(sorted(finished[0] ^ finished[1]))
    if one.about["data"]["fingerprint"] != other.about["data"]["fingerprint"]:
        return Difference(settings, {}, only, "The two studies have different images, so that figures do not compare.")
    if not both:
        return Difference(settings, {}, only, "No model has finished in both studies.")
    try:
        return Difference(settings, _compared(one, other, groups, both), only)
    except EvidenceError as error:
        return Difference(settings, {}, only, f"{str(error).removesuffix('.')}.")


def _compared(
    one: Side, other: Side, groups: list[dict[str, tuple[RunRecord, ...]]], both: list[str]
) -> dict[str, Comparison]:
    sides = {id(record): side for side in (one, other) for record in side.records}
    labelled = {
        f"{name} in {side.name}": group[name] for name in both for side, group in zip((one, other), groups, strict=True)
    }
    answers = read_answers(labelled, lambda record, part: sides[id(record)].read(record, part))
    if answers.refusal:
        raise EvidenceError(answers.refusal)
    scores = checked(answers.right)
    found = {}
    rows = answers.folding.rows(scores) if answers.folding else {}
    for name in both:
        first, second = (f"{name} in {side.name}" for side in (one, other))
        if first in scores and second in scores:
            found[name] = (
                compare_folds(first, second, rows, answers.folding)
                if answers.folding
                else compare(first, second, components(scores[first]), components(scores[second]))
            )
    return dict(zip(found, adjusted(list(found.values())), strict=True))
