import numpy as np
import pytest
from scipy import special, stats

from bakeoff.evidence.precision import precision


def rejected(seeds, ratio, image, nodes=80):
    """Return how often a 5 % test rejects a true difference of 0, by integration over the estimated variances.

    `ratio` is that of the two models' standard deviations over seeds, `image` the image variance as a share of the
    variance that comes from seeds.
    """
    run = np.array([ratio**2 / seeds[0], 1 / seeds[1]])
    run /= run.sum()
    share = (np.arange(nodes) + 0.5) / nodes
    drawn = [true * stats.chi2.ppf(share, n - 1) / (n - 1) for true, n in zip(run, seeds, strict=True)]
    grid = np.stack(np.meshgrid(*drawn, indexing="ij"))
    known = precision(grid, np.zeros_like(grid), seeds, np.full(grid.shape[1:], image), 1e9)
    return float((2 * special.ndtr(-known.half_width(0.95) / np.sqrt(1 + image))).mean())


@pytest.mark.parametrize("seeds", [(2, 2), (3, 3), (5, 5), (10, 10), (2, 3), (2, 5), (3, 5), (3, 10)])
def test_size_is_near_five_percent_whatever_the_ratios_of_the_variances(seeds):
    sizes = [rejected(seeds, ratio, image) for ratio in (1 / 3, 1 / 2, 1, 2, 3) for image in (0, 0.1, 0.3, 1, 3, 10)]
    assert min(sizes) > 0.029
    assert max(sizes) < 0.076 if seeds[0] != seeds[1] else 0.070
    if min(seeds) >= 5:
        assert max(sizes) < 0.059


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_size_is_within_bounds_for_equal_spreads(seeds):
    sizes = [rejected((seeds, seeds), 1, image) for image in (0, 0.1, 0.3, 1, 3, 10, 100)]
    assert min(sizes) > 0.033
    assert max(sizes) < 0.052


@pytest.mark.parametrize("seeds", [2, 3, 5, 10])
def test_interval_of_one_mean_covers_whatever_the_ratio(seeds):
    share = (np.arange(2000) + 0.5) / 2000
    for image in (0, 0.03, 0.1, 0.3, 1, 3, 10, 100):
        run = stats.chi2.ppf(share, seeds - 1)[None] / (seeds - 1)
        known = precision(run, 0 * run, [seeds], np.full(2000, image), 1e9)
        missed = float((2 * special.ndtr(-known.half_width(0.95) / np.sqrt(1 + image))).mean())
        assert 0.031 < missed < 0.069


def test_seeds_alone_give_the_t_test_of_one_sample():
    values = np.random.default_rng(0).normal(0.4, 1, 4)
    known = precision([values.var(ddof=1) / 4], [0.0], [4])
    expected = stats.ttest_1samp(values, 0)
    assert float(known.p_value(values.mean())) == pytest.approx(expected.pvalue)
    half = float(known.half_width(0.95))
    interval = expected.confidence_interval()
    assert (values.mean() - half, values.mean() + half) == pytest.approx((interval.low, interval.high))


def test_images_alone_give_the_t_test_over_images():
    values = np.random.default_rng(0).normal(0.4, 1, 30)
    known = precision([0.0, 0.0], [0.0, 0.0], [3, 3], values.var(ddof=1) / 30, 30)
    assert float(known.p_value(values.mean())) == pytest.approx(stats.ttest_1samp(values, 0).pvalue)


def test_many_seeds_give_welch():
    rng = np.random.default_rng(0)
    a, b = rng.normal(0, 1, 200), rng.normal(0.2, 2, 150)
    known = precision([a.var(ddof=1) / 200, b.var(ddof=1) / 150], [0, 0], [200, 150])
    expected = stats.ttest_ind(a, b, equal_var=False)
    assert float(known.p_value(a.mean() - b.mean())) == pytest.approx(expected.pvalue, rel=0.02)
    assert float(known.df) == pytest.approx(expected.df, rel=0.05)


def test_two_equal_spreads_have_the_degrees_of_freedom_of_both():
    assert float(precision([1.0, 1.0], [0, 0], [5, 5]).df) == pytest.approx(8)


def test_agreement_by_luck_is_not_believed():
    """Two runs of each model with equal accuracies: the spread between runs is 0, and yet not known to be."""
    known = precision([0.0, 0.0], [1e-5, 1e-5], [2, 2])
    assert float(known.variance) > 0
    assert 0 < float(known.p_value(0.01)) < 0.1


def test_no_variance_and_no_difference_is_no_evidence():
    known = precision([0.0, 0.0], [0.0, 0.0], [3, 3], 0.0, 10)
    assert float(known.p_value(0.0)) == 1
    assert float(known.half_width(0.95)) == 0
