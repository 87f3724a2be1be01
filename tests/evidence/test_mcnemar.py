import numpy as np
import pytest
from scipy import stats
from statsmodels.stats.contingency_tables import mcnemar as reference

from bakeoff.evidence.mcnemar import mcnemar, score_interval


@pytest.mark.parametrize("counts", [(1, 7), (0, 0), (0, 5), (12, 12), (40, 20), (300, 250)])
def test_p_value_is_that_of_statsmodels(counts):
    table = [[5, counts[0]], [counts[1], 9]]
    expected = reference(table, exact=True).pvalue if sum(counts) else 1.0
    assert mcnemar(*counts) == pytest.approx(expected)


def test_published_example():
    """Airway hyper-responsiveness before and after transplantation: Fagerland, Lydersen & Laake (2014)."""
    assert mcnemar(1, 7) == pytest.approx(0.0703, abs=5e-5)
    assert score_interval(1, 7, 21) == pytest.approx((-0.517, -0.026), abs=5e-4)


def test_without_discordant_images_the_interval_is_known():
    square = stats.norm.ppf(0.975) ** 2
    for size in (2, 100, 10_000):
        assert score_interval(0, 0, size) == pytest.approx((-square / (size + square), square / (size + square)))


def test_interval_turns_with_the_order():
    low, high = score_interval(30, 12, 1000)
    assert score_interval(12, 30, 1000) == pytest.approx((-high, -low))


@pytest.mark.parametrize("counts", [(5, 0), (0, 5), (5, 5)])
def test_interval_stays_within_bounds(counts):
    low, high = score_interval(*counts, 5 if 0 in counts else 10)
    assert -1 <= low < (counts[0] - counts[1]) / 10 < high <= 1 or low == -1 or high == 1


def test_interval_covers():
    rng = np.random.default_rng(0)
    draws = rng.multinomial(200, (0.05, 0.02, 0.93), 1500)
    held = [low <= 0.03 <= high for low, high in (score_interval(b, c, 200) for b, c, _ in draws.tolist())]
    assert 0.93 < np.mean(held) < 0.97
