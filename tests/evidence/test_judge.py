import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simulated_networks import networks

from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.verdict import judge
from bakeoff.evidence.wording import sentences, wording


@pytest.fixture
def scores():
    """Two copies of one recipe, a network three points worse, and one twenty points worse; three runs each."""
    rng = np.random.default_rng(0)
    difficulty = 2 * rng.standard_normal(10_000)
    given = {"copy-1": 0.9, "copy-2": 0.9, "three-worse": 0.87, "far-worse": 0.7}
    return {name: networks(3, 10_000, rng, accuracy, 0.003, difficulty) for name, accuracy in given.items()}


def test_planted_cases(scores):
    verdict = judge(scores)
    assert {*verdict.best} == {"copy-1", "copy-2"}
    assert verdict.letters["copy-1"] == verdict.letters["copy-2"] == "a"
    assert verdict.letters["three-worse"] == "b"
    assert verdict.letters["far-worse"] == "c"
    pair = verdict.comparison("three-worse", "copy-1")
    assert pair.different
    assert pair.low < 0.03 < pair.high


def test_copies_come_out_tied_and_three_points_are_found_in_most_repetitions():
    tied = found = 0
    for seed in range(60):
        rng = np.random.default_rng(seed)
        difficulty = 2 * rng.standard_normal(5_000)
        one, copy = (networks(3, 5_000, rng, 0.9, 0.004, difficulty) for _ in range(2))
        worse = networks(3, 5_000, rng, 0.87, 0.004, difficulty)
        verdict = judge({"one": one, "copy": copy, "worse": worse})
        tied += not verdict.comparison("one", "copy").different
        found += verdict.comparison("one", "worse").different
    assert tied >= 54
    assert found >= 57


def test_p_values_are_corrected_over_all_pairs(scores):
    verdict = judge(scores)
    assert len(verdict.comparisons) == 6
    assert all(pair.adjusted >= pair.p_value for pair in verdict.comparisons)
    assert max(pair.adjusted / pair.p_value for pair in verdict.comparisons) == pytest.approx(6)


def test_letters_follow_the_decisions(scores):
    verdict = judge(scores)
    for pair in verdict.comparisons:
        shared = set(verdict.letters[pair.first]) & set(verdict.letters[pair.second])
        assert bool(shared) == (not pair.different)


def test_every_model_once_judges_the_networks_and_says_so(scores):
    verdict = judge({name: runs[:1] for name, runs in scores.items()})
    assert {estimate.scope for estimate in verdict.estimates} == {"this trained network"}
    assert {pair.scope for pair in verdict.comparisons} == {"these trained networks"}
    assert "Every model ran once, so nothing is said of the procedures" in verdict.notes[0]
    assert sentences(verdict)[0].startswith("Of these trained networks, ")


def test_one_model_once_is_left_out_of_the_letters(scores):
    scores["copy-1"] = scores["copy-1"][:1] * 0 + 1  # the best by far, in one run
    verdict = judge(scores)
    assert verdict.estimates[0].name == "copy-1"
    assert verdict.letters["copy-1"] == ""
    assert verdict.best == ("copy-2",)
    assert all(pair.p_value is None for pair in verdict.comparisons if "copy-1" in (pair.first, pair.second))
    assert any(note.startswith("copy-1 ran once") for note in verdict.notes)
    assert sentences(verdict)[0].startswith("Of models that ran more than once, copy-2 is best")


def test_lower_can_be_better():
    rng = np.random.default_rng(1)
    verdict = judge({"bad": rng.exponential(1, (3, 500)) + 1, "good": rng.exponential(1, (3, 500))}, better="lower")
    assert [estimate.name for estimate in verdict.estimates] == ["good", "bad"]
    assert verdict.letters == {"good": "a", "bad": "b"}
    told = sentences(verdict, "loss", percent=False)
    assert told[0].startswith("good is best: its mean loss is ")
    assert " worse than good (" in told[1]


def test_one_model():
    verdict = judge({"only": np.round(np.random.default_rng(2).random((3, 50)))})
    assert verdict.comparisons == ()
    assert verdict.letters == {"only": "a"}
    assert sentences(verdict)[0].startswith("The mean accuracy of only is ")


def test_unknown_pair(scores):
    with pytest.raises(KeyError):
        judge(scores).comparison("copy-1", "other")


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({}, "there is nothing to judge"),
        ({"a": np.ones((2, 5)), "b": np.ones((2, 6))}, "different test images: a on 5, b on 6"),
        ({"a": np.ones((2, 1))}, "a: 1 test image is too few"),
        ({"a": np.ones((0, 5))}, "a: scores are an array of runs x images; got the shape (0, 5)"),
        ({"a": np.ones((2, 2, 2))}, "got the shape (2, 2, 2)"),
        ({"a": [[1, 1], [np.nan, 1]]}, "a: run 2 of 2 has 1 scores that are not finite; leave out runs that diverged"),
    ],
)
def test_bad_input_is_named(given_, message):
    with pytest.raises(EvidenceError) as caught:
        judge(given_)
    assert message in str(caught.value)


def test_sentences(scores):
    told = sentences(judge(scores))
    assert "cannot be told from" in told[0]
    assert "91" in told[0] or "90" in told[0] or "89" in told[0]
    assert any(line.startswith("far-worse is ") and line.endswith("p\xa0<\xa00.001.") for line in told)
    assert any("too close to call" in line for line in told)
    assert any("no proof that they are equal" in line for line in told)
    assert not any("significant" in line for line in told)


def test_an_exact_test_that_is_stricter_than_its_interval_is_not_put_down_to_other_pairs():
    """5 of 100 images alone tell two networks apart: p = 1/16, and Tango's interval leaves out 0."""
    all_right, five_wrong = np.ones(100), np.r_[np.zeros(5), np.ones(95)]
    told = sentences(judge({"a": all_right, "b": five_wrong}))
    assert told[1] == "a is 5.0 points ahead of b (1.1 to 11.2), but not clearly so by the exact test, p\xa0=\xa00.062."
    told = sentences(judge({"a": all_right, "b": np.r_[0, five_wrong[:-1]], "c": np.r_[0, five_wrong[:-1]]}))
    assert "(2.1 to 12.5 by itself), but not clearly so among all pairs" in told[1]


def test_what_is_worse_is_never_worse_by_nothing():
    """Six of 20,000 images, in every run of a model whose seed makes no difference."""
    told = sentences(judge({"a": np.ones((2, 20_000)), "b": np.ones((2, 20_000)) * (np.arange(20_000) > 5)}))
    assert told[1] == "b is 0.03 points worse than a (0.01 to 0.07), p\xa0=\xa00.031."


def test_one_run_of_one_model_has_no_order_and_no_p_values():
    told = sentences(judge({"only": np.ones(100)}))
    assert told[1].startswith("only ran once, so nothing is said of the procedure: the interval is about this trained")
    assert "p-value" not in " ".join(told)


def test_many_models_are_told_in_few_sentences(scores):
    many = {f"worse-{i}": scores["far-worse"] for i in range(12)}
    told = wording(judge({"best": scores["copy-1"], **many}), most=3)
    assert len(told.losses) == 4
    assert told.losses[-1] == "9 more are worse than best."


@settings(max_examples=30)
@given(st.lists(st.tuples(st.integers(1, 3), st.floats(0.2, 1)), min_size=1, max_size=6), st.integers(0, 2**32 - 1))
def test_any_mixture_of_models_is_judged_and_told(models, seed):
    rng = np.random.default_rng(seed)
    scores = {f"m{i}": (rng.random((runs, 40)) < share).astype(float) for i, (runs, share) in enumerate(models)}
    verdict = judge(scores)
    means = [estimate.mean for estimate in verdict.estimates]
    assert means == sorted(means, reverse=True)
    assert verdict.letters[verdict.best[0]].startswith("a")
    lettered = [name for name in verdict.letters if verdict.letters[name]]
    for pair in verdict.comparisons:
        if {pair.first, pair.second} <= {*lettered}:
            shared = set(verdict.letters[pair.first]) & set(verdict.letters[pair.second])
            assert bool(shared) == (not pair.different)
    assert all(line.endswith(".") for line in sentences(verdict))
