import numpy as np
import pytest
from scipy import special, stats

from bakeoff.evidence.costs import compare_costs, corrected, welch
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


@pytest.mark.parametrize("runs", [2, 3, 10])
def test_as_many_runs_of_both_give_welchs_test_as_scipy_has_it(runs):
    rng = np.random.default_rng(2)
    a, b = rng.lognormal(3, 0.02, runs), rng.lognormal(3.1, 0.2, runs)
    found, expected = compare_costs("a", "b", a, b), stats.ttest_ind(np.log(a), np.log(b), equal_var=False)
    interval = expected.confidence_interval()
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((np.exp(interval.low), np.exp(interval.high)))


def test_a_cost_that_never_varies_has_the_t_test_of_the_other():
    b = [3.0, 3.2, 2.9]
    found, expected = compare_costs("a", "b", [3.3] * 5, b), stats.ttest_1samp(np.log(b), np.log(3.3))
    assert found.p_value == pytest.approx(expected.pvalue)


@pytest.mark.parametrize("runs", [(2, 2), (3, 3), (5, 5), (2, 3), (2, 10), (3, 5)])
def test_size_is_no_more_than_promised_whatever_the_ratio_of_the_spreads(runs):
    """By integration over the estimated variances, with more nodes where the small ones are."""
    share = np.sin(np.pi * (np.arange(100) + 0.5) / 200) ** 2
    weight = np.outer(*[np.sqrt(share * (1 - share)) / np.sqrt(share * (1 - share)).sum()] * 2)
    for ratio in (1 / 30, 1 / 10, 1 / 3, 1, 3, 10, 30):
        true = np.array([ratio**2 / runs[0], 1 / runs[1]])
        drawn = [part * stats.chi2.ppf(share, n - 1) / (n - 1) for part, n in zip(true, runs, strict=True)]
        half = welch(np.stack(np.meshgrid(*drawn, indexing="ij")), runs).half_width(0.95)
        assert float((weight * 2 * special.ndtr(-half / np.sqrt(true.sum()))).sum()) < 0.066


def test_equal_costs_that_never_vary_do_not_differ_however_often_they_ran():
    found = compare_costs("a", "b", [1e5 / 3] * 3, [1e5 / 3] * 5)
    assert found.ratio == 1
    assert not found.different


def test_ratios_are_corrected_over_those_that_have_a_test():
    ratios = [
        compare_costs("a", "b", [1.0, 1.1, 1.2], [2.0, 2.1, 2.4]),
        compare_costs("a", "c", [1.0, 1.1, 1.2], [1.1]),
        compare_costs("a", "d", [1.0, 1.1, 1.2], [1.3, 1.5, 1.6]),
        compare_costs("e", "f", [2.0, 2.0], [1.0, 1.0]),
    ]
    found = corrected(ratios)
    assert [one.adjusted for one in found] == [
        pytest.approx(2 * ratios[0].p_value), None, pytest.approx(ratios[2].p_value), None
    ]  # fmt: skip
    assert [one.different for one in found] == [True, False, ratios[2].p_value <= 0.05, True]
