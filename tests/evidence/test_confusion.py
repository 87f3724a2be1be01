import numpy as np
import pytest
from simulated_networks import networks

from bakeoff.evidence.compare import compare
from bakeoff.evidence.components import components
from bakeoff.evidence.confusion import confused_pairs, disagreements
from bakeoff.evidence.per_class import class_differences


def test_confused_pairs_are_counted_over_runs():
    labels = np.array([0, 0, 0, 1, 1, 2])
    predictions = np.array([[1, 1, 0, 1, 1, 0], [1, 0, 0, 1, 2, 2]])
    found = confused_pairs(labels, predictions, ("cat", "dog", "owl"))
    assert [(pair.true, pair.taken_for, pair.count) for pair in found] == [
        ("cat", "dog", 1.5),
        ("dog", "owl", 0.5),
        ("owl", "cat", 0.5),
    ]
    assert found[0].share == pytest.approx(0.5)
    assert len(confused_pairs(labels, predictions, ("cat", "dog", "owl"), most=1)) == 1


def test_nothing_confused():
    assert confused_pairs(np.array([0, 1]), np.array([[0, 1]]), ("a", "b")) == ()


def test_disagreements_come_clearest_first():
    scores = {"a": [[1, 1, 0, 1], [1, 1, 0, 0]], "b": [[0, 1, 0, 0], [0, 1, 0, 1]], "c": [[1, 1, 1, 1], [1, 1, 0, 1]]}
    found = disagreements(scores)
    assert [image.image for image in found] == [0, 2, 3]
    assert found[0].right == {"a": 1, "b": 0, "c": 1}
    assert found[0].range == 1
    assert len(disagreements(scores, most=1)) == 1


def test_a_class_on_which_models_differ_is_found_and_others_are_not():
    rng = np.random.default_rng(0)
    labels = np.repeat(np.arange(10), 300)
    difficulty = 2 * rng.standard_normal(3000)
    a, b = (networks(5, 3000, rng, 0.9, 0.0, difficulty) for _ in range(2))
    b[:, labels == 4] = networks(5, 300, rng, 0.7, 0.0, difficulty[labels == 4])
    names = [f"class {k}" for k in range(10)]
    found = class_differences("a", "b", a, b, labels, names)
    assert [name for name, pair in found.items() if pair.different] == ["class 4"]
    mine = labels == 4
    alone = compare("a", "b", components(a[:, mine]), components(b[:, mine]))
    assert found["class 4"].p_value == alone.p_value
    assert found["class 4"].adjusted == pytest.approx(10 * alone.p_value)


def test_classes_with_too_few_images_are_left_out():
    rng = np.random.default_rng(1)
    labels = np.array([0] * 50 + [1])
    found = class_differences("a", "b", networks(2, 51, rng), networks(2, 51, rng), labels, ("many", "one", "none"))
    assert list(found) == ["many"]
