"""Among settings validation chooses, the test set does not, and unequal chances are told."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

import pytest

from bakeoff.evidence.verdict import judge
from bakeoff.records.run import RunRecord, RunState
from bakeoff.report import tuning
from bakeoff.report.brief import findings
from bakeoff.specs.run import RunSpec
from bakeoff.study.judgement import Judgement
from bakeoff.study.leaderboard import leaderboard
from bakeoff.study.tuning import chosen_names, tunings
from bakeoff.study.variants import variants

# By validation lr=2 is the better setting of a; by the test set it is lr=1.
FIGURES = {("a", "lr=1"): (0.80, 0.99), ("a", "lr=2"): (0.90, 0.70), ("b", "default"): (0.50, 0.80)}


def records(
    figures: Mapping[tuple[str, str], tuple[float | None, float]] = FIGURES, seeds: int = 2
) -> tuple[RunRecord, ...]:
    """Return runs with a validation and a test accuracy for each model and setting."""
    made = []
    for (model, recipe), (val, test) in figures.items():
        lr = {"lr": 1 + 0.01 * len(made)}
        for seed in range(seeds):
            content = {"data": "digits", "model": model, "recipe": {"name": recipe, "optimizer": lr}, "seed": seed}
            metrics = {"test": {"accuracy": test, "loss": 1.0, "macro_f1": 0.5, "roc_auc": 0.5, "top5_accuracy": 1.0}}
            if val is not None:
                metrics["val"] = {**metrics["test"], "accuracy": val}
            spec = RunSpec.parse({**content, "protocol": {}})
            made.append(RunRecord(spec, RunState.FINISHED, metrics=metrics))
    return tuple(made)


def failing(runs: Sequence[RunRecord], recipe: str, seed: int) -> list[RunRecord]:
    """Return the runs with one that diverged."""
    bad = [run.spec.recipe.name == recipe and run.spec.seed == seed for run in runs]
    return [replace(run, state=RunState.DIVERGED) if is_bad else run for run, is_bad in zip(runs, bad, strict=True)]


def test_validation_chooses_even_where_the_test_set_likes_another():
    found = variants(records())
    assert chosen_names(found) == ("a (lr=2)", "b")
    rows = {(row["model"], row["recipe"]): row for row in leaderboard(found).to_dict("records")}
    assert {key: (row["settings"], row["chosen"]) for key, row in rows.items()} == {
        ("a", "lr=1"): (2, False),
        ("a", "lr=2"): (2, True),
        ("b", "default"): (1, True),
    }


def test_a_setting_that_lost_runs_is_not_chosen_for_the_luck_of_the_rest():
    assert chosen_names(variants(failing(records(), "lr=2", 1))) == ("a (lr=1)", "b")
    assert chosen_names(variants(records(seeds=1))) == ("a (lr=2)", "b")
    assert [one.chosen for one in tunings(variants([replace(run, state=RunState.PENDING) for run in records()]))] == [
        None,
        None,
    ]


def test_without_validation_nothing_is_chosen_and_that_is_said():
    runs = records({(model, recipe): (None, test) for (model, recipe), (_, test) in FIGURES.items()})
    assert chosen_names(variants(runs)) == ("b",)
    (said,) = tuning.chosen(runs)
    assert said.startswith("a was tried in 2 settings without validation images")


def test_a_model_of_which_nothing_could_be_chosen_is_not_left_out_of_the_answer():
    runs = records({(model, recipe): (None, test) for (model, recipe), (_, test) in FIGURES.items()})
    right = {"a (lr=1)": [[1] * 99 + [0]] * 2, "a (lr=2)": [[1] * 70 + [0] * 30] * 2, "b": [[1] * 80 + [0] * 20] * 2}
    said = " ".join(findings(Judgement(judge(right)), runs))
    assert said.startswith("a (lr=1) is best: ")
    assert "a was tried in 2 settings without validation images" in said


def test_unequal_tuning_is_told_and_equal_is_not():
    (said,) = tuning.unequal(records())
    assert "a was tried in 2 settings and 4 runs and b was tried in 1 setting and 2 runs" in said
    same = {(model, recipe): (0.5, 0.5) for model in "ab" for recipe in ("lr=1", "lr=2")}
    assert tuning.unequal(records(same)) == ()
    assert tuning.unequal(records({("a", "default"): (0.5, 0.5), ("b", "default"): (0.4, 0.5)})) == ()
    assert tuning.unequal(failing(records(same), "lr=1", 0)) == ()  # one run less of each
    lost = [run for run in records(same) if (run.spec.model.name, run.spec.recipe.name) != ("b", "lr=1")]
    assert "b was tried in 1 setting and 2 runs" in tuning.unequal(lost)[0]


@pytest.mark.parametrize("tested", [0.99, 0.70])
def test_what_is_said_is_of_the_chosen_settings(tested: float):
    right = {"a (lr=1)": [[1] * 99 + [0]] * 2, "a (lr=2)": [[1] * 70 + [0] * 30] * 2, "b": [[1] * 80 + [0] * 20] * 2}
    runs = records({**FIGURES, ("a", "lr=1"): (0.8, tested)})
    said = " ".join(findings(Judgement(judge(right)), runs))
    assert said.startswith("b ")
    assert "Of 2 settings of a, lr=2 is chosen by validation accuracy, 90.0 %." in said
    assert "a (lr=1)" not in said
    assert "bakeoff confirm OUT" in said


def test_a_verdict_on_some_models_is_that_of_these_alone():
    right = {
        name: [[int((image * 7 + seed + place) % 100 < 90 - 6 * place) for image in range(300)] for seed in range(3)]
        for place, name in enumerate("wxyz")
    }
    some = judge(right).only(["w", "z"])
    assert some == judge({name: right[name] for name in "wz"})
