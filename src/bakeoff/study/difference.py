"""Two studies or runs side by side: in what they differ, and whether that changed the accuracy and costs of models."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from bakeoff.evidence.compare import Comparison, compare
from bakeoff.evidence.components import components
from bakeoff.evidence.costs import CostRatio, compare_costs
from bakeoff.evidence.cross_validation import compare_folds
from bakeoff.evidence.scores import EvidenceError, checked
from bakeoff.evidence.verdict import adjusted
from bakeoff.records.run import RunRecord
from bakeoff.study import mismatch
from bakeoff.study.judgement import read_answers
from bakeoff.study.passes import Reader
from bakeoff.study.variants import variants

COSTS: Mapping[str, Callable[[RunRecord], float | None]] = {
    "training time": lambda run: run.cost.training_seconds if run.cost else None,
    "latency": lambda run: run.cost.latency.seconds if run.cost and run.cost.latency else None,
    "peak memory": lambda run: run.cost.peak_memory_bytes if run.cost else None,
    "parameters": lambda run: run.parameters.total if run.parameters else None,
}
FIXED = ("parameters",)  # the same in every run, so that one tells of all
Groups = list[dict[str, tuple[RunRecord, ...]]]


@dataclass(frozen=True)
class Side:
    """One of the two studies, or one run of it.

    Attributes:
        name: what it is called here.
        about: the content of its study.json.
        records: its runs.
        read: returns what a finished run said of a part.
        single: whether it is one run. Two of them are compared whatever their models.
    """

    name: str
    about: Mapping[str, Any]
    records: tuple[RunRecord, ...]
    read: Reader
    single: bool = False


@dataclass(frozen=True)
class Difference:
    """What differs between two studies.

    Attributes:
        settings: in what they differ, one thing each: settings, parts, seeds, versions and hardware.
        comparisons: of every model that both have, that in the first study minus that in the second; p-values are
            corrected by Holm's method over all of them.
        only: models that one study alone has finished.
        reason: why nothing is compared; empty where something is.
        costs: of every model that both have, how many times as much it costs in the first study as in the second.
    """

    settings: tuple[str, ...]
    comparisons: Mapping[str, Comparison]
    only: tuple[str, ...]
    reason: str = ""
    costs: Mapping[str, Mapping[str, CostRatio]] = field(default_factory=dict)


def difference(one: Side, other: Side) -> Difference:
    """Compare two studies; figures only where both judged on the same test images."""
    groups, only = _groups(one, other)
    both = sorted(groups[0].keys() & groups[1].keys())
    settings = _settings(one, other, groups, both)
    if one.about["data"]["fingerprint"] != other.about["data"]["fingerprint"]:
        return Difference(settings, {}, only, "The two studies have different images, so that figures do not compare.")
    if not both:
        return Difference(settings, {}, only, "No model has finished in both studies.")
    costs = {name: _costs(one, other, groups, name) for name in both}
    try:
        return Difference(settings, _compared(one, other, groups, both), only, costs=costs)
    except EvidenceError as error:
        return Difference(settings, {}, only, f"{str(error).removesuffix('.')}.", costs)


def _groups(one: Side, other: Side) -> tuple[Groups, tuple[str, ...]]:
    """Return the finished runs of every model on both sides, and the models that one of them alone has."""
    groups = [
        {variant.name: variant.finished for variant in variants(side.records) if variant.finished}
        for side in (one, other)
    ]
    if one.single and other.single and all(groups):
        (first,), (second,) = groups
        name = first if first == second else f"{first} and {second}"
        return [{name: found} for group in groups for found in group.values()], ()
    return groups, tuple(sorted(groups[0].keys() ^ groups[1].keys()))


def _settings(one: Side, other: Side, groups: Groups, both: list[str]) -> tuple[str, ...]:
    names = f"in {one.name}", f"in {other.name}"
    pairs = {name: (groups[0][name][0], groups[1][name][0]) for name in both}
    found = mismatch.of_studies(one.about, other.about, names)
    found += mismatch.of_models(pairs or _unfinished_pairs(one, other), names)
    if pairs and one.about["data"]["fingerprint"] == other.about["data"]["fingerprint"]:
        first, second = next(iter(pairs.values()))
        found += mismatch.of_parts((first, one.read), (second, other.read), names)
    for kind in (mismatch.of_seeds, mismatch.of_environments):
        found += kind(one.records, other.records, names)
    return tuple(dict.fromkeys(found))


def _unfinished_pairs(one: Side, other: Side) -> dict[str, tuple[RunRecord, RunRecord]]:
    """Return a run of every model that both have, in whatever state: settings differ before anything is finished."""
    first, second = ({variant.name: variant.records[0] for variant in variants(side.records)} for side in (one, other))
    return {name: (first[name], second[name]) for name in first if name in second}


def _costs(one: Side, other: Side, groups: Groups, name: str) -> dict[str, CostRatio]:
    """Return the ratios of the costs that all runs of a model have on both sides."""
    found = {}
    for cost, of in COSTS.items():
        first, second = ([of(run) for run in group[name]] for group in groups)
        if all(first) and all(second):
            labels = f"{name} in {one.name}", f"{name} in {other.name}"
            times = 2 if cost in FIXED else 1
            a, b = ([value or 0.0 for value in runs] * times for runs in (first, second))
            found[cost] = compare_costs(*labels, a, b)
    return found


def _compared(one: Side, other: Side, groups: Groups, both: list[str]) -> dict[str, Comparison]:
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
