import numpy as np
import pytest
from simulated_networks import networks
from statsmodels.stats.power import TTestIndPower

from bakeoff.evidence.compare import compare
from bakeoff.evidence.components import components
from bakeoff.evidence.power import Spread, detectable, power, seeds_needed
from bakeoff.evidence.scores import EvidenceError

CALM = Spread(seed=0.003, residual=0.03, image=0.02)


def test_many_seeds_have_the_power_of_the_t_test():
    spread = Spread(seed=0.01, residual=0.0, image=0.0)
    expected = TTestIndPower().power(effect_size=0.8, nobs1=25, alpha=0.05)
    assert power(0.008, 25, spread, 10_000) == pytest.approx(expected, abs=0.01)


def test_many_images_and_no_seeds_have_the_power_of_the_normal_test():
    spread = Spread(seed=0.0, residual=0.0, image=0.04)
    assert power(2.8016 * np.sqrt(0.04 / 10_000), 3, spread, 10_000) == pytest.approx(0.8, abs=0.005)


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_without_a_difference_it_is_the_size(seeds):
    assert 0.03 < power(0.0, seeds, CALM, 10_000) < 0.055


def test_foretells_what_the_test_does():
    rng = np.random.default_rng(0)
    called, spreads = 0, []
    for _ in range(600):
        difficulty = 2 * rng.standard_normal(1000)
        a = components(networks(3, 1000, rng, 0.9, 0.005, difficulty))
        b = components(networks(3, 1000, rng, 0.875, 0.005, difficulty))
        called += compare("a", "b", a, b).different
        spreads.append(Spread.of(a, b))
    typical = Spread(0.005, np.mean([s.residual for s in spreads]), np.mean([s.image for s in spreads]))
    assert power(0.025, 3, typical, 1000) == pytest.approx(called / 600, abs=0.06)


def test_grows_with_the_difference_and_the_seeds():
    by_difference = [power(difference, 3, CALM, 10_000) for difference in (0, 0.005, 0.01, 0.02, 0.05)]
    by_seeds = [power(0.005, seeds, CALM, 10_000) for seeds in (2, 3, 5, 10, 30)]
    assert by_difference == sorted(by_difference)
    assert by_seeds == sorted(by_seeds)
    assert power(-0.01, 3, CALM, 10_000) == pytest.approx(power(0.01, 3, CALM, 10_000))


@pytest.mark.parametrize("difference", [0.005, 0.01, 0.02])
def test_seeds_needed_are_the_fewest(difference):
    seeds = seeds_needed(difference, CALM, 10_000)
    assert power(difference, seeds, CALM, 10_000) >= 0.8
    assert seeds == 2 or power(difference, seeds - 1, CALM, 10_000) < 0.8


def test_what_no_number_of_seeds_finds():
    assert seeds_needed(0.001, Spread(0.0, 0.0, 0.04), 1000) is None


@pytest.mark.parametrize("seeds", [2, 5])
def test_detectable_is_found_with_the_wanted_power(seeds):
    assert power(detectable(seeds, CALM, 10_000), seeds, CALM, 10_000) == pytest.approx(0.8, abs=1e-4)
    assert detectable(seeds, CALM, 10_000, alpha=0.005) > detectable(seeds, CALM, 10_000)


def test_no_spread_finds_everything():
    assert detectable(2, Spread(0, 0, 0), 100) == 0


def test_spread_needs_two_runs():
    one = components(np.array([[0.0, 1.0]]))
    with pytest.raises(EvidenceError, match="ran at least twice"):
        Spread.of(one, one)


def test_the_typical_spread_is_the_mean_over_pairs_that_ran_twice():
    rng = np.random.default_rng(0)
    parts = [
        components((rng.random((runs, 500)) < share).astype(float)) for runs, share in ((3, 0.9), (4, 0.7), (2, 0.8))
    ]
    pairs = [Spread.of(parts[i], parts[j]) for i, j in ((0, 1), (0, 2), (1, 2))]
    alone = components(np.ones((1, 500)))
    typical = Spread.typical([*parts, alone])
    assert typical.residual == pytest.approx(np.mean([pair.residual for pair in pairs]))
    assert typical.seed**2 == pytest.approx(np.mean([pair.seed**2 for pair in pairs]))
    with pytest.raises(EvidenceError, match="two models that ran at least twice"):
        Spread.typical([parts[0], alone])
