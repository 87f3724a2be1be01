import numpy as np
import pytest
from scipy.special import log_softmax
from scipy.stats import rankdata

from bakeoff.evidence.components import components
from bakeoff.evidence.estimate import estimate
from bakeoff.evidence.jackknife import contributions
from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.verdict import judge


def predicted(rng, images, skill, classes=4, labels=None):
    labels = np.sort(rng.integers(0, classes, images)) if labels is None else labels
    logits = rng.standard_normal((images, classes)).astype(np.float32)
    logits[np.arange(images), labels] += skill
    return logits, labels


def accuracy(logits, labels):
    return float((logits.argmax(1) == labels).mean())


def macro_f1(logits, labels):
    classes = logits.shape[1]
    table = np.bincount(labels * classes + logits.argmax(1), minlength=classes**2).reshape(classes, classes)
    return float(np.mean(2 * table.diagonal() / (table.sum(0) + table.sum(1))))


def area(logits, labels):
    """The area under the ROC curve of classes 2 and 3 against 0 and 1, by ranks."""
    positive = labels > 1
    ranks = rankdata(log_softmax(logits, axis=1)[:, 2:].max(1))
    count = positive.sum()
    return float((ranks[positive].sum() - count * (count + 1) / 2) / (count * (~positive).sum()))


def test_averages_to_the_figure():
    rng = np.random.default_rng(0)
    logits, labels = predicted(rng, 410, 2.0)
    other, _ = predicted(rng, 410, 2.0, labels=labels)
    rows = contributions(macro_f1, [logits, other], labels)
    assert rows.shape == (2, 40)
    assert rows.mean(axis=1) == pytest.approx([macro_f1(logits, labels), macro_f1(other, labels)])


def test_of_a_mean_over_images_they_are_the_means_of_the_groups():
    logits, labels = predicted(np.random.default_rng(1), 400, 2.0)
    rows = contributions(accuracy, [logits], labels, groups=400)
    assert np.sort(rows[0]) == pytest.approx(np.sort((logits.argmax(1) == labels).astype(float)))


@pytest.mark.parametrize("figure", [macro_f1, area, accuracy])
def test_interval_covers(figure):
    """The true figure is that of very many images."""
    rng = np.random.default_rng(2)
    truth = figure(*predicted(rng, 200_000, 1.5))
    held = 0
    for _ in range(150):
        logits, labels = predicted(rng, 400, 1.5)
        found = estimate("net", components(contributions(figure, [logits], labels)))
        held += found.low <= truth <= found.high
    assert 0.91 <= held / 150 <= 0.985


def test_verdict_on_macro_f1():
    rng = np.random.default_rng(3)
    _, labels = predicted(rng, 1000, 0)
    runs = {
        name: contributions(macro_f1, [predicted(rng, 1000, skill, labels=labels)[0] for _ in range(3)], labels)
        for name, skill in (("good", 2.5), ("bad", 1.5))
    }
    verdict = judge(runs)
    assert verdict.best == ("good",)
    assert verdict.images == 40


def test_bad_input_is_named():
    logits, labels = predicted(np.random.default_rng(4), 30, 2.0)
    with pytest.raises(EvidenceError, match="30 images cannot be left out in 40 groups"):
        contributions(accuracy, [logits], labels)
    with pytest.raises(EvidenceError, match="not defined without one of 2 groups"):
        contributions(lambda x, y: float("nan"), [logits], labels, groups=2)
