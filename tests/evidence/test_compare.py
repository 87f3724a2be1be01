import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from simulated_networks import networks
from statsmodels.stats.contingency_tables import mcnemar

from bakeoff.evidence.compare import compare
from bakeoff.evidence.components import components


def compared(a, b, **options):
    return compare("a", "b", components(np.atleast_2d(a)), components(np.atleast_2d(b)), **options)


def test_variance_is_that_of_two_way_clusters():
    """Cameron, Gelbach & Miller (2011): by seed + by image - by both, here with unbiased parts."""
    rng = np.random.default_rng(0)
    a, b = networks(4, 300, rng, 0.8, 0.03), networks(3, 300, rng, 0.7, 0.03)
    parts = components(a), components(b)
    by_seed = sum(p.run_variance / p.seeds for p in parts)
    by_image = (a.mean(axis=0) - b.mean(axis=0)).var(ddof=1) / 300
    by_both = sum(p.residual / (p.seeds * 300) for p in parts)
    assert compared(a, b).standard_error ** 2 == pytest.approx(by_seed + by_image - by_both)


def test_two_networks_have_mcnemars_test():
    rng = np.random.default_rng(1)
    a, b = networks(1, 400, rng, 0.9), networks(1, 400, rng, 0.85)
    table = [[np.sum(a * b), np.sum(a * (1 - b))], [np.sum((1 - a) * b), np.sum((1 - a) * (1 - b))]]
    found = compared(a, b)
    assert found.p_value == pytest.approx(mcnemar(table, exact=True).pvalue)
    assert found.scope == "these trained networks"


def test_two_networks_with_other_scores_have_the_paired_t_test():
    rng = np.random.default_rng(2)
    a, b = rng.exponential(1, 80), rng.exponential(1.2, 80)
    found, expected = compared(a, b), stats.ttest_rel(a, b)
    interval = expected.confidence_interval()
    assert found.p_value == pytest.approx(expected.pvalue)
    assert (found.low, found.high) == pytest.approx((interval.low, interval.high))


def test_where_only_seeds_matter_it_is_the_t_test_of_the_runs():
    """Scores that do not depend on the image: with equal numbers of seeds the statistic is Welch's."""
    rng = np.random.default_rng(3)
    a, b = rng.normal(0, 1, (40, 1)) * np.ones(50), rng.normal(0.4, 1, (40, 1)) * np.ones(50)
    found, expected = compared(a, b), stats.ttest_ind(a[:, 0], b[:, 0], equal_var=False)
    assert found.difference / found.standard_error == pytest.approx(expected.statistic)
    assert found.p_value == pytest.approx(expected.pvalue, rel=0.02)


def test_one_run_of_one_model_compares_nothing():
    rng = np.random.default_rng(4)
    found = compared(networks(1, 100, rng), networks(3, 100, rng))
    assert found.p_value is None
    assert found.low is None
    assert not found.different
    assert found.reason == "a ran once, and one run does not tell how far its score would move with another seed"


def test_runs_that_answer_alike_are_compared_exactly():
    rng = np.random.default_rng(5)
    one, other = networks(1, 300, rng, 0.9), networks(1, 300, rng, 0.8)
    found, single = compared(np.tile(one, (3, 1)), np.tile(other, (2, 1))), compared(one, other)
    assert (found.p_value, found.low, found.high) == (single.p_value, single.low, single.high)
    assert found.scope == "procedures"


@pytest.mark.parametrize("runs", [1, 2, 3])
def test_identical_models_are_no_evidence_of_anything(runs):
    scores = np.tile(networks(1, 200, np.random.default_rng(6)), (runs, 1))
    for pair in (scores, scores), (np.ones((runs, 200)), np.ones((runs, 200))):
        found = compared(*pair)
        assert found.p_value == 1
        assert found.difference == 0
        assert -0.03 < found.low < 0 < found.high < 0.03


@given(st.integers(0, 10_000))
def test_the_rounding_of_means_over_different_numbers_of_runs_is_no_difference(seed):
    scores = np.random.default_rng(seed).normal(size=50)
    found = compared(np.tile(scores, (2, 1)), np.tile(scores, (3, 1)))
    assert found.difference == 0
    assert found.p_value == 1


def test_a_model_whose_runs_answer_alike_lends_no_degrees_of_freedom():
    rng = np.random.default_rng(11)
    fixed, b = rng.normal(0, 1, 50) * np.ones((5, 1)), rng.normal(0.4, 1, (3, 1)) * np.ones(50)
    b += fixed[0]  # what is hard for the one is for the other: images have no part in it
    found, expected = compared(fixed, b), stats.ttest_1samp(b.mean(axis=1), fixed.mean())
    assert found.p_value == pytest.approx(expected.pvalue)
    assert found.df == pytest.approx(2)


def test_one_all_right_and_one_all_wrong():
    found = compared(np.ones((3, 50)), np.zeros((3, 50)))
    assert found.difference == found.high == 1
    assert found.low > 0.8
    assert found.p_value < 1e-10


def test_equal_accuracies_of_the_runs_are_not_certainty():
    """Both runs of either model happen to have the same accuracy, and differ image by image."""
    rng = np.random.default_rng(8)
    a = np.zeros((2, 1000))
    b = np.zeros((2, 1000))
    for row, count in ((a[0], 900), (a[1], 900), (b[0], 905), (b[1], 905)):
        row[rng.permutation(1000)[:count]] = 1
    found = compared(a, b)
    assert found.difference == pytest.approx(-0.005)
    assert found.p_value > 0.05


def test_superiority_counts_pairs_of_runs():
    a, b = np.array([[1.0, 1, 1, 0], [1, 0, 0, 0]]), np.array([[1.0, 1, 0, 0], [1, 0, 0, 0]])
    assert compared(a, b).superiority == pytest.approx((1 + 1 + 0 + 0.5) / 4)


def test_level_decides():
    rng = np.random.default_rng(9)
    a, b = networks(3, 3000, rng, 0.9), networks(3, 3000, rng, 0.888)
    strict, lax = compared(a, b, level=0.9999), compared(a, b, level=0.5)
    assert lax.different
    assert not strict.different
    assert strict.high - strict.low > lax.high - lax.low


shapes = st.tuples(st.integers(1, 4), st.integers(1, 4), st.integers(2, 30), st.integers(0, 2**32 - 1), st.booleans())


@settings(max_examples=60)
@given(shapes)
def test_antisymmetric_and_blind_to_the_order_of_images_and_seeds(shape):
    runs_a, runs_b, images, seed, binary = shape
    rng = np.random.default_rng(seed)
    a, b = rng.random((runs_a, images)), rng.random((runs_b, images))
    if binary:
        a, b = np.round(a), np.round(b)
    found, turned = compared(a, b), compared(b, a)
    assert turned.difference == pytest.approx(-found.difference)
    assert turned.superiority == pytest.approx(1 - found.superiority)
    assert turned.scope == found.scope
    order = rng.permutation(images)
    shuffled = compared(rng.permutation(a[:, order]), rng.permutation(b[:, order]))
    if found.p_value is None:
        assert turned.p_value is None
        assert shuffled.p_value is None
        return
    assert turned.p_value == pytest.approx(found.p_value)
    assert (turned.low, turned.high) == pytest.approx((-found.high, -found.low))
    assert shuffled.p_value == pytest.approx(found.p_value)
    assert (shuffled.low, shuffled.high) == pytest.approx((found.low, found.high))
    assert 0 <= found.p_value <= 1
    assert found.low <= found.difference <= found.high
