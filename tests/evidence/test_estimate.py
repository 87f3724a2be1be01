import numpy as np
import pytest
from scipy import stats
from simulated_networks import networks
from statsmodels.stats.proportion import proportion_confint

from bakeoff.evidence.components import components
from bakeoff.evidence.estimate import estimate


@pytest.mark.parametrize("right", [0, 1, 37, 99, 100])
def test_one_network_has_wilsons_interval(right):
    scores = (np.arange(100) < right)[None].astype(float)
    found = estimate("net", components(scores))
    expected = stats.binomtest(right, 100).proportion_ci(method="wilson")
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert (found.low, found.high) == pytest.approx(proportion_confint(right, 100, method="wilson"))
    assert found.scope == "this trained network"
    assert found.run_sd is None


def test_one_network_with_other_scores_has_the_t_interval():
    scores = np.random.default_rng(0).exponential(1, (1, 60))
    found = estimate("net", components(scores), level=0.9)
    expected = stats.ttest_1samp(scores[0], 0).confidence_interval(0.9)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))


def test_several_runs_speak_of_the_procedure():
    scores = networks(5, 1000, np.random.default_rng(1), seed_sd=0.02)
    found = estimate("net", components(scores))
    assert found.scope == "procedure"
    assert found.run_sd == pytest.approx(scores.mean(axis=1).std(ddof=1))
    assert found.low < found.mean < found.high
    assert found.standard_error > found.run_sd / np.sqrt(5)  # images add to it


def test_seeds_that_matter_widen_the_interval():
    rng = np.random.default_rng(2)
    difficulty = 2 * rng.standard_normal(2000)
    calm = estimate("net", components(networks(3, 2000, rng, seed_sd=0.0, difficulty=difficulty)))
    wild = estimate("net", components(networks(3, 2000, rng, seed_sd=0.03, difficulty=difficulty)))
    assert wild.high - wild.low > 2 * (calm.high - calm.low)


def test_all_right_is_not_all_certain():
    found = estimate("net", components(np.ones((3, 500))))
    assert found.mean == found.high == 1
    assert found.low == pytest.approx(500 / (500 + 1.96**2), abs=1e-4)
    assert found.standard_error == 0


def test_variance_over_seeds_below_zero_counts_as_zero():
    rng = np.random.default_rng(0)
    image = rng.random(100) < 0.5
    scores = np.stack([image, ~image]).astype(float)  # two runs with opposite answers and equal accuracy
    scores[:, 50:] = scores[::-1, 50:]
    parts = components(scores)
    assert parts.seed_variance < 0
    assert estimate("net", parts).seed_sd == 0
