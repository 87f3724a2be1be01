import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from statsmodels.stats.multitest import multipletests

from bakeoff.evidence.holm import holm

p_values = st.lists(st.floats(0, 1), min_size=1, max_size=20)


def test_worked_example():
    assert holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_nothing_to_correct():
    assert holm([]) == []
    assert holm([0.2]) == [0.2]


@pytest.mark.parametrize("size", [1, 2, 10, 45])
def test_is_that_of_statsmodels(size):
    values = np.random.default_rng(size).random(size) ** 3
    assert holm(values) == pytest.approx(multipletests(values, method="holm")[1].tolist())


@given(p_values)
def test_keeps_the_order_and_never_lowers(values):
    adjusted = np.array(holm(values))
    order = np.argsort(values, kind="stable")
    assert (np.diff(adjusted[order]) >= 0).all()
    assert (adjusted >= np.array(values) - 1e-12).all()
    assert (adjusted <= 1).all()
