import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import roc_auc_score

from bakeoff.evidence.areas import area_scores
from bakeoff.evidence.components import components
from bakeoff.evidence.estimate import estimate
from bakeoff.evidence.scores import EvidenceError


def predicted(rng, images, skill, classes=4, digits=8):
    labels = np.r_[np.tile(np.arange(classes), 2), rng.integers(0, classes, images - 2 * classes)]
    logits = rng.standard_normal((images, classes))
    logits[np.arange(images), labels] += skill
    return softmax(logits, axis=1).round(digits), labels


@pytest.mark.parametrize("digits", [8, 1])  # with one digit, most scores are tied
def test_the_mean_is_the_area_of_scikit_learn(digits):
    scores, labels = predicted(np.random.default_rng(0), 300, 1.0, digits=digits)
    areas = [roc_auc_score(labels == k, scores[:, k]) for k in range(4)]
    assert area_scores(scores, labels).mean() == pytest.approx(np.mean(areas), abs=1e-12)


def test_the_variance_is_that_of_delong():
    """Of two models and of their difference, by the definition: every pair of images, one of each class."""
    rng = np.random.default_rng(1)
    first, labels = predicted(rng, 80, 1.0, classes=2)
    second = softmax(np.log(first) + 0.5 * rng.standard_normal(first.shape), axis=1)
    own, rest = labels == 1, labels == 0
    components_of = []
    for scores in (first[:, 1], second[:, 1]):
        wins = (scores[own][:, None] > scores[rest][None]) + 0.5 * (scores[own][:, None] == scores[rest][None])
        components_of.append((wins.mean(1), wins.mean(0)))
    rows = [area_scores(scores, labels) for scores in (first, second)]
    between = [
        np.cov([one[side] for one in components_of]) / count for side, count in ((0, own.sum()), (1, rest.sum()))
    ]
    ours = np.cov(rows) / len(labels)
    # The variance over images divides by N - 1 where the sum of both sides' has N.
    assert ours == pytest.approx(sum(between) * len(labels) / (len(labels) - 1), rel=1e-9)


def test_the_interval_covers():
    rng = np.random.default_rng(2)
    scores, labels = predicted(rng, 100_000, 1.5)
    truth = area_scores(scores, labels).mean()
    held = 0
    for _ in range(200):
        found = estimate("net", components(area_scores(*predicted(rng, 300, 1.5))[None]))
        held += found.low <= truth <= found.high
    assert 0.91 <= held / 200 <= 0.985


def test_bad_input_is_named():
    scores, labels = predicted(np.random.default_rng(3), 30, 1.0)
    with pytest.raises(EvidenceError, match="two images of every class"):
        area_scores(scores[2:], labels[2:] * 0)
    with pytest.raises(EvidenceError, match="finite"):
        area_scores(scores * np.nan, labels)
