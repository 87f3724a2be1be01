"""Which models are worth their cost."""

import math
from collections.abc import Iterable, Mapping

from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.verdict import Verdict


def pareto(score: Mapping[str, float], cost: Mapping[str, float]) -> tuple[str, ...]:
    """Return the models that no other beats in one without losing in the other, the cheapest first.

    Of models that are equal in both, all stay.

    Args:
        score: of each model; higher is better.
        cost: of the same models; lower is better.

    Raises:
        EvidenceError: a model without a score or without a cost.
    """
    _check(score, cost)

    def dominated(name: str) -> bool:
        return any(
            score[other] >= score[name]
            and cost[other] <= cost[name]
            and (score[other] > score[name] or cost[other] < cost[name])
            for other in score
        )

    return _by_cost((name for name in score if not dominated(name)), cost)


def pareto_of(verdict: Verdict, cost: Mapping[str, float]) -> tuple[str, ...]:
    """Return the models that may be worth their cost, the cheapest first.

    Left out are those that a model of no higher cost beats by the evidence of the verdict. A dearer model that is only
    tied stays: its lead may be real. The best by mean score and the cheapest always stay.
    """
    means = {estimate.name: estimate.mean for estimate in verdict.estimates}
    _check(means, cost)
    beaten = {pair.second for pair in verdict.comparisons if pair.different and cost[pair.first] <= cost[pair.second]}
    return _by_cost((name for name in means if name not in beaten), cost)


def _by_cost(names: Iterable[str], cost: Mapping[str, float]) -> tuple[str, ...]:
    return tuple(sorted(names, key=lambda name: (cost[name], name)))


def _check(score: Mapping[str, float], cost: Mapping[str, float]) -> None:
    for what, values, others in (("score", score, cost), ("cost", cost, score)):
        missing = sorted(name for name in others if not math.isfinite(values.get(name, math.nan)))
        if missing:
            raise EvidenceError(f"{missing[0]} has no {what}; leave it out")
