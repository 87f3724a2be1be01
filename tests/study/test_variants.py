"""Several settings of a model: what they are called, and which are refused."""

from dataclasses import replace
from pathlib import Path

import pytest
from small import compare

from bakeoff.errors import SpecError
from bakeoff.specs.study import StudySpec
from bakeoff.study.expand import expand
from bakeoff.study.variants import variants

pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_grid_makes_variants_with_labels(tmp_path, tiny):
    grid = {"recipe.optimizer.lr": [0.001, 0.01], "recipe.label_smoothing": [0.0, 0.1]}
    result = compare(tmp_path / "out", tiny("one"), seeds=1, grid=grid)
    labels = {run.spec.recipe.name: run.spec.recipe for run in result.runs}
    assert len(labels) == 4
    recipe = labels["default (lr=0.01, label_smoothing=0.1)"]
    assert (recipe.optimizer.lr, recipe.label_smoothing) == (0.01, 0.1)


def test_a_grid_has_short_labels_that_tell_its_settings_apart():
    grid = {
        "recipe.schedule.monitor": ["val_loss"],
        "recipe.monitor": ["val_accuracy"],
        "recipe.cache_features": [True],
        "recipe.augment": [[], ["flip", {"shift": 2}], [{"flip": {}}, {"rotate": {"amount": 5, "fill": "zero"}}]],
    }
    runs = expand(StudySpec.parse({"data": "digits", "models": "lenet5", "seeds": 1, "grid": grid}))
    assert [run.recipe.name.partition("augment=")[2] for run in runs] == [
        "none)",
        "flip + shift: 2)",
        "flip + rotate: amount: 5, fill: zero)",
    ]
    assert {run.recipe.name.partition(", augment")[0] for run in runs} == {
        "default (schedule.monitor=val_loss, recipe.monitor=val_accuracy, cache_features=true"
    }


def test_an_equal_budget_of_steps(tmp_path, tiny):
    result = compare(tmp_path / "out", [tiny("one"), tiny("two")], seeds=1, epochs=None, budget={"steps": 7})
    for run in result.runs:
        assert run.spec.protocol.mode == "budget"
        assert run.spec.recipe.max_steps == 7
        assert len(run.epochs) == 2, "1293 images in batches of 256 are 6 steps"


def test_what_comes_to_the_same_training_is_refused_before_any(tmp_path: Path):
    with pytest.raises(SpecError, match="come to the same training here .* leave one out"):
        compare(tmp_path / "out", "lenet5", seeds=1, epochs=1, grid={"recipe.normalize": ["auto", "dataset"]})
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("given", "sentence"),
    [
        (
            {"grid": {"recipe.optimizer.lr": [0.1, 0.10]}},
            r"^'lenet5 with default \(lr=0.1\)' stands twice; leave one out",
        ),
        ({"grid": {"recipe.optimizer.lr": [1, 1.0]}}, r"\(lr=1\)' and .* \(lr=1.0\)' train in the same way; leave one"),
        ({"grid": {"recipe.augment": [["flip"], [{"flip": {}}]]}}, r"\(augment=flip\)' stands twice"),
        ({"recipes": [{"name": "a"}, {"name": "a"}]}, "^'lenet5 with a' stands twice"),
    ],
)
def test_what_stands_twice_is_refused(given: dict, sentence: str):
    with pytest.raises(SpecError, match=sentence):
        expand(StudySpec.parse({"data": "digits", "models": "lenet5", **given}))


def test_two_trainings_of_one_name_are_refused(tmp_path: Path):
    recipes = [{"base": "default", "ema": 0.9}, {"base": "default", "ema": 0.99}]
    with pytest.raises(SpecError, match="declared twice with different settings; give a name"):
        compare(tmp_path / "out", "lenet5", seeds=1, recipe=recipes)
    models = [{"name": "lenet5", "head": [8]}, {"name": "lenet5", "head": [16]}]
    with pytest.raises(SpecError, match="give a label"):
        compare(tmp_path / "out", models, seeds=1)


def test_runs_that_differ_in_more_than_the_seed_are_never_seeds_of_one_row(tmp_path: Path):
    runs = compare(tmp_path / "out", "lenet5", seeds=2, epochs=1).runs
    spec = runs[0].spec
    elsewhere = spec.model_copy(update={"recipe": spec.recipe.model_copy(update={"amp": "bf16"})})
    other = replace(runs[0], spec=elsewhere)
    found = variants([*runs, other])
    assert [(variant.name, len(variant.records)) for variant in found] == [
        ("lenet5 (default #1)", 2),
        ("lenet5 (default #2)", 1),
    ]
