import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simulated_networks import networks

from bakeoff.evidence.pareto import pareto, pareto_of
from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.verdict import judge


def test_example():
    score = {"big": 0.95, "middle": 0.93, "wasteful": 0.92, "small": 0.80}
    cost = {"big": 100, "middle": 10, "wasteful": 50, "small": 1}
    assert pareto(score, cost) == ("small", "middle", "big")


def test_equals_stay_and_half_equals_go():
    score = {"a": 0.9, "twin": 0.9, "dearer": 0.9, "worse": 0.8}
    cost = {"a": 5, "twin": 5, "dearer": 6, "worse": 5}
    assert pareto(score, cost) == ("a", "twin")


points = st.lists(st.tuples(st.integers(0, 5), st.integers(0, 5)), min_size=1, max_size=12)


@given(points)
def test_none_on_the_front_is_dominated_and_all_others_are(given_):
    score = {str(i): s for i, (s, _) in enumerate(given_)}
    cost = {str(i): c for i, (_, c) in enumerate(given_)}
    front = pareto(score, cost)

    def dominates(one, other):
        return (
            score[one] >= score[other]
            and cost[one] <= cost[other]
            and (score[one] > score[other] or cost[one] < cost[other])
        )

    assert front
    for name in score:
        assert (name not in front) == any(dominates(other, name) for other in score)


def test_a_lead_that_may_be_chance_does_not_remove():
    rng = np.random.default_rng(0)
    difficulty = 2 * rng.standard_normal(3000)
    accuracy = {"one": 0.90, "copy": 0.90, "bad": 0.80}
    scores = {name: networks(3, 3000, rng, value, 0.003, difficulty) for name, value in accuracy.items()}
    verdict = judge(scores)
    assert set(pareto_of(verdict, {"one": 1.0, "copy": 2.0, "bad": 3.0})) == {"one", "copy"}
    assert set(pareto_of(verdict, {"one": 1.0, "copy": 2.0, "bad": 0.5})) == {"one", "copy", "bad"}


def test_missing_costs_are_named():
    with pytest.raises(EvidenceError, match="b has no cost; leave it out"):
        pareto({"a": 1.0, "b": 2.0}, {"a": 1.0})
    with pytest.raises(EvidenceError, match="b has no score"):
        pareto({"a": 1.0, "b": float("nan")}, {"a": 1.0, "b": 1.0})
