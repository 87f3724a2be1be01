from itertools import combinations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bakeoff.evidence.letters import compact_letters


def test_example_of_gramm_and_others():
    """Gramm et al. (2007), Computational Statistics & Data Analysis 52, figure 2: the groups are 124, 134 and 45."""
    letters = compact_letters("12345", [("1", "5"), ("2", "3"), ("2", "5"), ("3", "5")])
    assert letters == {"1": "ab", "2": "a", "3": "b", "4": "abc", "5": "c"}


def test_example_of_chick_weights():
    """Pairwise Wilcoxon tests of R's `chickwts`, as the package `cld` shows them; letters in order of rank."""
    ranked = ("sunflower", "casein", "meatmeal", "soybean", "linseed", "horsebean")
    published = {
        "casein": "a", "horsebean": "b", "linseed": "bc", "meatmeal": "ac", "soybean": "c", "sunflower": "a",
    }  # fmt: skip
    different = [(x, y) for x, y in combinations(ranked, 2) if not set(published[x]) & set(published[y])]
    found = compact_letters(ranked, different)
    assert found == {
        "sunflower": "a", "casein": "a", "meatmeal": "ab", "soybean": "b", "linseed": "bc", "horsebean": "c",
    }  # fmt: skip


def test_not_transitive():
    assert compact_letters("abc", [("a", "c")]) == {"a": "a", "b": "ab", "c": "b"}


@pytest.mark.parametrize(("count", "last"), [(60, "(60)"), (27, "A"), (1, "a")])
def test_all_different(count, last):
    names = [f"m{number:02d}" for number in range(count)]
    letters = compact_letters(names, list(combinations(names, 2)))
    assert len(set(letters.values())) == count
    assert letters[names[-1]] == last


def test_nothing_to_tell_apart():
    assert compact_letters("abc", []) == {"a": "a", "b": "a", "c": "a"}
    assert compact_letters([], []) == {}


def test_many_models_take_no_time():
    """Two hundred means a little apart of which those further apart than a spread differ: intervals on a line."""
    names = [f"m{number:03d}" for number in range(200)]
    different = [(x, y) for x, y in combinations(names, 2) if int(y[1:]) - int(x[1:]) > 20]
    letters = compact_letters(names, different)
    assert letters["m000"] == "a"
    assert letters["m199"].endswith("(180)")
    assert compact_letters(names, []) == dict.fromkeys(names, "a")


@given(
    st.integers(1, 9).flatmap(lambda n: st.tuples(st.just(n), st.sets(st.sampled_from([*combinations(range(9), 2)]))))
)
def test_share_a_letter_if_and_only_if_not_different(given_):
    count, pairs = given_
    names = [str(number) for number in range(count)]
    different = {(str(x), str(y)) for x, y in pairs if y < count}
    letters = compact_letters(names, different)
    assert letters["0"].startswith("a")
    for one, other in combinations(names, 2):
        assert bool(set(letters[one]) & set(letters[other])) == ((one, other) not in different)
