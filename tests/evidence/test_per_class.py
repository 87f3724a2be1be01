import numpy as np
import pytest
from simulated_networks import networks

from bakeoff.evidence.compare import compare
from bakeoff.evidence.components import components
from bakeoff.evidence.per_class import class_differences


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
