"""From stored runs to a verdict: planted cases, refusals, and how long it takes."""

import time
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

from bakeoff.errors import StoreError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.specs.run import RunSpec
from bakeoff.store.folder import Predictions, RunFolder
from bakeoff.study.judgement import judge_answers, read_answers
from bakeoff.study.leaderboard import leaderboard
from bakeoff.study.variants import variants

CLASSES = 10


def record(model: str, seed: int, state: RunState = RunState.FINISHED, recipe: str = "default") -> RunRecord:
    spec = {"data": {"name": "planted"}, "model": {"name": model}, "recipe": {"name": recipe}}
    spec |= {"protocol": {}, "seed": seed}
    done = state is RunState.FINISHED
    figures = {"accuracy": 0.5, "loss": 1.0, "macro_f1": 0.5, "roc_auc": 0.5, "top5_accuracy": 1.0}
    return RunRecord(RunSpec.parse(spec), state, metrics={"test": figures} if done else {})


def answers(share: float, images: int, seed: int, hardness: np.ndarray, spread: float = 0.003) -> Predictions:
    """Return predictions that are right on about this share of images, the same ones hard for every run."""
    random = np.random.default_rng(seed)
    labels = np.arange(images) % CLASSES
    level = share + spread * random.standard_normal()
    luck = 0.7 * hardness + 0.3 * random.random(images)
    right = luck < np.quantile(luck, level)
    logits = np.zeros((images, CLASSES), np.float32)
    logits[np.arange(images), np.where(right, labels, (labels + 1) % CLASSES)] = 1
    return Predictions(np.arange(images), labels, logits)


def planted(shares: Mapping[str, float], seeds: int = 3, images: int = 10_000):
    """Return groups of runs with these accuracies, and the reader of their predictions."""
    hardness = np.random.default_rng(0).random(images)
    groups = {name: [record(name, seed) for seed in range(seeds)] for name in shares}
    said = {
        run.run_id: answers(shares[name], images, 100 * place + run.spec.seed + 1, hardness)
        for place, (name, runs) in enumerate(groups.items())
        for run in runs
    }
    return groups, lambda run, part: said[run.run_id]


def test_two_copies_of_one_recipe_are_tied():
    verdict = judge_answers(read_answers(*planted({"one": 0.9, "two": 0.9}))).verdict
    assert verdict.letters == {"one": "a", "two": "a"}
    assert set(verdict.best) == {"one", "two"}


def test_a_network_three_points_better_is_found_at_three_seeds():
    verdict = judge_answers(read_answers(*planted({"worse": 0.87, "better": 0.9}))).verdict
    assert verdict.letters == {"better": "a", "worse": "b"}
    pair = verdict.comparison("better", "worse")
    assert pair.low < 0.03 < pair.high


def test_one_seed_is_about_these_networks():
    verdict = judge_answers(read_answers(*planted({"a": 0.8, "b": 0.9}, seeds=1))).verdict
    assert verdict.comparisons[0].scope == "these trained networks"
    assert "Every model ran once" in verdict.notes[0]


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda said: Predictions(said.indices[:-5], said.labels[:-5], said.logits[:-5]), "100 and 95 images"),
        (lambda said: Predictions(said.indices + 1, said.labels, said.logits), "100 of 100 images are not the same"),
        (lambda said: Predictions(said.indices, np.roll(said.labels, 1), said.logits), "100 of 100 images have other"),
    ],
    ids=["sizes", "images", "labels"],
)
def test_different_test_sets_are_refused_with_what_differs(change, words):
    groups, read = planted({"one": 0.9, "two": 0.9}, images=100)
    judgement = judge_answers(
        read_answers(
            groups, lambda run, part: read(run, part) if run.spec.model.name == "one" else change(read(run, part))
        )
    )
    assert judgement.verdict is None
    assert judgement.reason.startswith("one, seed 0 and two, seed 0 were judged on different test sets")
    assert words in judgement.reason


def test_only_finished_runs_count():
    groups, read = planted({"one": 0.9, "two": 0.9})
    groups["two"] += [record("two", 7, RunState.DIVERGED), record("two", 8, RunState.FAILED)]
    groups["three"] = [record("three", 0, RunState.DIVERGED)]
    verdict = judge_answers(read_answers(groups, read)).verdict
    assert {estimate.name: estimate.seeds for estimate in verdict.estimates} == {"one": 3, "two": 3}


def test_lost_predictions_are_named_and_left_out():
    groups, read = planted({"one": 0.9, "two": 0.9})

    def lossy(run: RunRecord, part: str) -> Predictions:
        if run.spec.model.name == "two" and run.spec.seed == 1:
            raise StoreError("the file is gone")
        return read(run, part)

    judgement = judge_answers(read_answers(groups, lossy))
    assert judgement.missing == ("two, seed 1: the file is gone",)
    assert {estimate.name: estimate.seeds for estimate in judgement.verdict.estimates} == {"one": 3, "two": 2}


def test_without_anything_to_judge_it_says_why():
    judgement = judge_answers(read_answers({"one": [record("one", 0, RunState.FAILED)]}, lambda run, part: None))
    assert judgement.verdict is None
    assert judgement.reason == "there is nothing to judge: no model has a finished run."


def test_the_leaderboard_has_the_evidence_beside_its_old_columns():
    groups, read = planted({"one": 0.9, "two": 0.8})
    runs = [run for group in groups.values() for run in group] + [record("three", 0, RunState.DIVERGED)]
    found = variants(runs)
    table = leaderboard(found, judge_answers(read_answers({one.name: one.records for one in found}, read)).verdict)
    table = table.set_index("model")
    contract = "recipe seeds test_accuracy_mean test_accuracy_std test_loss_mean val_accuracy_mean params"
    assert {*contract.split(), "train_seconds_mean"} <= set(table.columns)
    assert dict(table["group"]) == {"one": "a", "two": "b", "three": ""}
    assert not table["tied"].any()
    assert table.loc["one", "test_accuracy_low"] < 0.9 < table.loc["one", "test_accuracy_high"]
    assert np.isnan(table.loc["three", "test_accuracy_low"])
    assert leaderboard(found)["test_accuracy_low"].isna().all()


def test_a_model_with_two_recipes_has_two_names():
    runs = [record("one", 0), record("one", 0, recipe="other"), record("two", 0)]
    assert [one.name for one in variants(runs)] == ["one (default)", "one (other)", "two"]


def test_thirty_runs_on_ten_thousand_images_take_less_than_a_second(tmp_path: Path):
    groups, read = planted({f"net {k}": 0.9 - 0.01 * k for k in range(10)})
    for run in (run for group in groups.values() for run in group):
        folder = RunFolder(tmp_path / run.run_id)
        folder.path.mkdir()
        folder.write_predictions({"test": read(run, "test"), "train": read(run, "test")})
    start = time.process_time()
    judgement = judge_answers(
        read_answers(groups, lambda run, part: RunFolder(tmp_path / run.run_id).predictions(part))
    )
    assert time.process_time() - start < 1
    assert len(judgement.verdict.comparisons) == 45
