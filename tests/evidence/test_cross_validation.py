"""Folds: against an independent computation, by simulation, and where luck would pass for certainty."""

import numpy as np
import pytest
from scipy import stats

from bakeoff.evidence.cross_validation import Folding, judge_folds
from bakeoff.evidence.mcnemar import score_interval
from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.wording import sentences

RNG = np.random.default_rng


def dealt(images: int, folds: int, seeds: int) -> dict[int, np.ndarray]:
    return {seed: RNG(seed).permutation(np.arange(images) % folds) + 1 for seed in range(seeds)}


def folding(images: int, folds: int, **models: int) -> Folding:
    train = images - images // folds
    seeds = {name: tuple(range(count)) for name, count in models.items()}
    return Folding(seeds, dealt(images, folds, max(models.values())), train)


def answers(share: float, rows: int, images: int, hard: np.ndarray, seed: int) -> np.ndarray:
    """Right and wrong on images of which some are harder than others for every model."""
    return (RNG(seed).random((rows, images)) < np.clip(share - hard, 0, 1)).astype(float)


def test_figures_are_those_of_a_computation_by_hand():
    rows, images, folds = 3, 103, 5  # folds of 21 and 20 images
    of = folding(images, folds, a=rows, b=rows)
    scores = {name: answers(0.8, rows, images, np.zeros(images), seed) for name, seed in (("a", 1), ("b", 2))}
    found = judge_folds(scores, of).comparison("a", "b")
    differences = [
        (scores["a"][seed] - scores["b"][seed])[of.folds[seed] == fold].mean()
        for seed in range(rows)
        for fold in range(1, folds + 1)
    ]
    count = rows * folds
    error = np.sqrt((1 / count + 21 / of.train_size) * np.var(differences, ddof=1))
    sign = 1 if found.first == "a" else -1
    assert found.difference == pytest.approx(sign * np.mean(differences))
    assert found.p_value == pytest.approx(2 * stats.t.sf(abs(np.mean(differences)) / error, count - 1))
    assert found.high - found.difference == pytest.approx(stats.t.ppf(0.975, count - 1) * error)
    assert found.superiority == pytest.approx((np.sign(np.multiply(sign, differences)).mean() + 1) / 2)


def test_a_better_model_is_found_and_copies_are_tied():
    images = 400
    hard = RNG(0).random(images) * 0.3
    scores = {
        name: answers(share, 2, images, hard, seed)
        for seed, (name, share) in enumerate({"copy 1": 0.85, "copy 2": 0.85, "better": 1.1}.items())
    }
    of = folding(images, 5, **dict.fromkeys(scores, 2))
    verdict = judge_folds(scores, of)
    assert verdict.best == ("better",)
    assert verdict.letters["copy 1"] == verdict.letters["copy 2"] != verdict.letters["better"]
    assert verdict.images == images
    said = " ".join(sentences(verdict))
    assert "5 folds, dealt anew for each of 2 seeds" in said
    assert "10 runs" in said
    assert "training images and the settings stay" not in said


def test_folds_that_agree_by_luck_are_not_certain():
    """One image in each of three folds makes the same difference in all: without a least variance, p would be 0."""
    of = folding(30, 3, a=1, b=1)
    wrong = np.ones((1, 30))
    for fold in (1, 2, 3):
        wrong[0, np.flatnonzero(of.folds[0] == fold)[0]] = 0
    pair = judge_folds({"a": np.ones((1, 30)), "b": wrong}, of).comparisons[0]
    assert pair.difference == pytest.approx(0.1)
    assert pair.p_value > 0.01


@pytest.mark.parametrize("share", [0, 1])
def test_models_that_answer_alike_in_all_folds_may_still_differ(share: int):
    """As two networks do on one test set: no image tells them apart, and so few images prove no equality."""
    same = np.full((1, 30), share)
    verdict = judge_folds({"a": same, "b": same}, folding(30, 3, a=1, b=1))
    pair = verdict.comparisons[0]
    assert pair.p_value == 1
    assert (pair.low, pair.high) == score_interval(0, 0, 30)
    assert "a against b is too close to call: \N{MINUS SIGN}11.4 to 11.4 points, p\xa0=\xa01." in sentences(verdict)


def test_a_difference_on_every_image_is_as_sure_as_images_are_many():
    pair = judge_folds({"a": np.ones((1, 4)), "b": np.zeros((1, 4))}, folding(4, 2, a=1, b=1)).comparisons[0]
    assert pair.p_value == pytest.approx(2 * 0.5**4)
    assert pair.low < 1 == pair.high


def test_equal_models_are_called_different_rarely():
    """Learners that err on random images of equal number, whose folds share what the training images bring about."""
    called, images, folds = 0, 200, 5
    of = folding(images, folds, a=1, b=1)
    for trial in range(400):
        hard = RNG(trial).random(images) * 0.6
        scores = {name: answers(1, 1, images, hard, 10_000 + 2 * trial + k) for k, name in enumerate("ab")}
        called += judge_folds(scores, of).comparisons[0].different
    assert called / 400 < 0.06


def test_pairs_use_the_seeds_that_both_have():
    scores = {"a": answers(0.8, 2, 60, np.zeros(60), 1), "b": answers(0.8, 1, 60, np.zeros(60), 2)}
    verdict = judge_folds(scores, folding(60, 3, a=2, b=1))
    assert verdict.comparisons[0].df == 2
    assert any(note.startswith("b lacked seeds") for note in verdict.notes)
    apart = Folding({"a": (0, 1), "b": (2,)}, dealt(60, 3, 3), 40)
    with pytest.raises(EvidenceError, match="no seed in common"):
        judge_folds(scores, apart)


def test_a_verdict_on_some_of_the_models_still_speaks_of_folds():
    scores = {
        name: answers(share, 1, 90, np.zeros(90), k)
        for k, (name, share) in enumerate(zip("abc", (0.9, 0.5, 0.4), strict=True))
    }
    whole = judge_folds(scores, folding(90, 3, a=1, b=1, c=1))
    some = whole.only(["a", "b"])
    assert some.folds == 3
    assert "folds" in some.notes[0]
    assert not any("Holm" in note for note in some.notes), "one test needs no correction"
    assert any("Holm's method for 3" in note for note in whole.notes)
    assert some.comparisons[0].adjusted == some.comparisons[0].p_value
