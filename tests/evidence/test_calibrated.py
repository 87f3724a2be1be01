"""A quick look at what `benchmarks/evidence.py` measures in full: wide bounds, fixed draws."""

import numpy as np
import pytest
from simulated_networks import networks

from bakeoff.evidence.compare import compare
from bakeoff.evidence.components import components
from bakeoff.evidence.estimate import estimate


@pytest.mark.parametrize(("accuracy", "seed_sd"), [(0.9, 0.003), (0.98, 0.01), (0.7, 0.03)])
@pytest.mark.parametrize("seeds", [2, 3, 5])
def test_equal_models_are_called_different_in_about_five_percent(accuracy, seed_sd, seeds):
    rng = np.random.default_rng(seeds)
    called = held = 0
    for _ in range(600):
        difficulty = 2 * rng.standard_normal(500)
        a, b = (components(networks(seeds, 500, rng, accuracy, seed_sd, difficulty)) for _ in range(2))
        called += compare("a", "b", a, b).different
        found = estimate("a", a)
        held += found.low <= 0.9 <= found.high
    assert 0.02 < called / 600 < 0.07
    if accuracy == 0.9:  # elsewhere the accuracy of the simulation is not exactly the one asked for
        assert 0.92 < held / 600 < 0.985
