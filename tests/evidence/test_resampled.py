import numpy as np
import pytest
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC

from bakeoff.evidence.resampled import corrected_resampled
from bakeoff.evidence.scores import EvidenceError


def test_example_of_scikit_learn():
    """Its page "Statistical comparison of models using grid search" states t = .750 and a one-sided p = .227."""
    x, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    scores = [
        cross_val_score(SVC(kernel=k, random_state=0), x, y, scoring="roc_auc", cv=folds) for k in ("rbf", "linear")
    ]
    found = corrected_resampled(scores[0] - scores[1], 90, 10)
    assert found.statistic == pytest.approx(0.750, abs=5e-4)
    assert found.p_value / 2 == pytest.approx(0.227, abs=5e-4)
    assert found.df == 99


def test_variance_is_larger_than_that_of_independent_splits():
    values = np.random.default_rng(0).normal(0.1, 1, 20)
    found, plain = corrected_resampled(values, 90, 10), stats.ttest_1samp(values, 0)
    assert found.statistic == pytest.approx(plain.statistic * np.sqrt((1 / 20) / (1 / 20 + 1 / 9)))
    untouched, interval = corrected_resampled(values, 10**12, 1), plain.confidence_interval()
    assert untouched.p_value == pytest.approx(plain.pvalue)
    assert (untouched.low, untouched.high) == pytest.approx((interval.low, interval.high))


def test_no_spread():
    assert corrected_resampled([0.0, 0.0], 9, 1).p_value == 1
    assert corrected_resampled([0.1, 0.1], 9, 1).p_value == 0


def test_bad_input_is_named():
    with pytest.raises(EvidenceError, match="at least 2 splits"):
        corrected_resampled([0.1], 9, 1)
    with pytest.raises(EvidenceError, match="train_size=0"):
        corrected_resampled([0.1, 0.2], 0, 1)


def test_corrects_most_of_the_false_alarms():
    """Differences whose correlation is what the correction takes it to be: test / (test + train)."""
    rng, size = np.random.default_rng(1), 10
    shared = np.sqrt(0.1) * rng.standard_normal((1500, 1))
    drawn = shared + np.sqrt(0.9) * rng.standard_normal((1500, size))
    called = np.mean([corrected_resampled(row, 90, 10).p_value <= 0.05 for row in drawn])
    plain = (stats.ttest_1samp(drawn, 0, axis=1).pvalue <= 0.05).mean()
    assert plain > 0.1
    assert 0.035 < called < 0.065
