"""Training times that say more of the machine than of a model."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from bakeoff.records.run import EpochRow, RunRecord
from bakeoff.study.variants import variants

LIMIT = 2.0  # times as long as an equal run, above which times are not to be leant on


def unsteady(records: Iterable[RunRecord]) -> tuple[str, ...]:
    """Return a sentence where runs that should have taken as long as others took far longer; else nothing."""
    ratios = {variant.name: max(map(_ratio, _alike(variant.finished)), default=1.0) for variant in variants(records)}
    model = max(ratios, key=lambda name: ratios[name], default="")
    if not model or ratios[model] <= LIMIT:
        return ()
    return (
        f"One run of {model} took {ratios[model]:.1f} times as long to train on an image as another that differs in "
        "nothing but seed or fold: the machine was busy or shared, and times of training are not to be leant on.",
    )


def _alike(runs: Iterable[RunRecord]) -> Iterable[list[RunRecord]]:
    """Return runs of a variant in groups that should take as long: of one environment, all on features or on images."""
    groups: dict[object, list[RunRecord]] = defaultdict(list)
    for run in runs:
        cached = run.cost is not None and run.cost.cached_features
        groups[cached, frozenset(run.environment.items())].append(run)
    return groups.values()


def _ratio(runs: Sequence[RunRecord]) -> float:
    """Return how many times as long an image took in the slowest of some runs as in the fastest.

    Only epochs that all of them had are looked at: some stopped early, and in the first epochs of some recipes layers
    are frozen or images small.
    """
    shared = min(len(run.epochs) for run in runs)
    seconds = [_seconds_per_image(run.epochs[:shared]) for run in runs]
    return max(seconds) / min(seconds) if min(seconds) > 0 else 1.0


def _seconds_per_image(rows: Sequence[EpochRow]) -> float:
    images = sum(row.images for row in rows)
    return sum(row.seconds for row in rows) / images if images else 0.0
