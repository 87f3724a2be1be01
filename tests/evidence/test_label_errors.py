import numpy as np
import pytest
from sklearn.datasets import load_digits
from sklearn.model_selection import cross_val_predict
from sklearn.neighbors import KNeighborsClassifier

from bakeoff.evidence.label_errors import label_errors
from bakeoff.evidence.scores import EvidenceError


def test_planted_errors_of_real_images_come_first():
    x, true = load_digits(return_X_y=True)
    rng = np.random.default_rng(0)
    planted = rng.choice(len(true), 20, replace=False)
    labels = true.copy()
    labels[planted] = (true[planted] + rng.integers(1, 10, 20)) % 10
    model = KNeighborsClassifier(8, weights="distance")
    probabilities = cross_val_predict(model, x, labels, cv=3, method="predict_proba")
    found = label_errors(probabilities, labels)
    assert len({error.image for error in found[:5]} & {*planted.tolist()}) >= 3
    assert len({error.image for error in found[:20]} & {*planted.tolist()}) >= 14
    assert len(found) < 40
    mended = [error.suggested == true[error.image] for error in found if error.image in planted]
    assert np.mean(mended) > 0.9
    assert all(error.given == labels[error.image] for error in found)


def test_follows_the_definition():
    """Northcutt et al. (2021), section 3.1, image by image."""
    rng = np.random.default_rng(1)
    probabilities = rng.dirichlet(np.ones(4) / 2, 300)
    labels = np.where(rng.random(300) < 0.3, rng.integers(0, 4, 300), probabilities.argmax(1))
    threshold = [probabilities[labels == k, k].mean() for k in range(4)]
    doubted = {}
    for i, (row, label) in enumerate(zip(probabilities, labels, strict=True)):
        believed = {k: row[k] for k in range(4) if row[k] >= threshold[k]}
        if believed and max(believed, key=believed.get) != label:
            doubted[i] = max(believed, key=believed.get)
    found = label_errors(probabilities, labels)
    assert {error.image: error.suggested for error in found} == doubted
    margins = [error.margin for error in found]
    assert margins == sorted(margins)


def test_no_doubt_about_sound_labels():
    labels = np.arange(30) % 3
    assert label_errors(np.eye(3)[labels] * 0.9 + 0.1 / 3, labels) == ()


def test_a_class_that_no_image_is_labelled_with_is_never_suggested():
    probabilities = np.array([[0.1, 0.2, 0.7], [0.6, 0.3, 0.1], [0.2, 0.7, 0.1]])
    assert all(error.suggested != 2 for error in label_errors(probabilities, np.array([0, 0, 1])))


def test_bad_input_is_refused():
    with pytest.raises(EvidenceError, match="finite probabilities"):
        label_errors(np.full((2, 2), np.nan), np.array([0, 1]))
