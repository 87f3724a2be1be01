import numpy as np
import pytest
from scipy import stats

from bakeoff.evidence.costs import compare_costs
from bakeoff.evidence.scores import EvidenceError


def test_many_runs_give_welchs_test_of_the_logarithms():
    rng = np.random.default_rng(0)
    a, b = rng.lognormal(3, 0.1, 60), rng.lognormal(2.97, 0.2, 60)
    found = compare_costs("a", "b", a, b)
    expected = stats.ttest_ind(np.log(a), np.log(b), equal_var=False)
    interval = expected.confidence_interval()
    assert found.p_value == pytest.approx(expected.pvalue, rel=0.02)
    assert (found.low, found.high) == pytest.approx((np.exp(interval.low), np.exp(interval.high)), rel=1e-3)
    assert found.ratio == pytest.approx(stats.gmean(a) / stats.gmean(b))


def test_turns_with_the_order():
    a, b = [10.0, 11, 10.5], [3.0, 3.1, 2.9]
    found, turned = compare_costs("a", "b", a, b), compare_costs("b", "a", b, a)
    assert turned.ratio == pytest.approx(1 / found.ratio)
    assert (turned.low, turned.high) == pytest.approx((1 / found.high, 1 / found.low))
    assert turned.p_value == pytest.approx(found.p_value)
    assert found.p_value < 0.001


def test_no_seed_no_test():
    found = compare_costs("a", "b", [10.0], [3.0, 3.1])
    assert found.p_value is None
    assert found.low is None
    assert found.reason == "a ran once, and one run does not tell how much its cost varies"


def test_costs_that_never_vary_have_an_exact_ratio():
    found = compare_costs("a", "b", [400.0, 400], [100.0, 100, 100])
    assert found.ratio == found.low == found.high == pytest.approx(4)
    assert found.reason == "the cost is the same in every run, so the ratio is exact"


@pytest.mark.parametrize("costs", [[], [0.0, 1], [np.nan, 1], [-1.0, 1]])
def test_bad_costs_are_named(costs):
    with pytest.raises(EvidenceError, match="a: costs are positive numbers"):
        compare_costs("a", "b", costs, [1.0, 2])


def test_level_is_kept():
    rng = np.random.default_rng(1)
    drawn = [compare_costs("a", "b", rng.lognormal(0, 0.1, 3), rng.lognormal(0, 0.2, 3)) for _ in range(2000)]
    assert 0.025 < np.mean([found.p_value <= 0.05 for found in drawn]) < 0.065
