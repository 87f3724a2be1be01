"""A whole comparison, small: what it records, what it skips, what it refuses."""

import json
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import bakeoff
from bakeoff.errors import BakeoffError, SpecError, StoreError
from bakeoff.models import Network, networks
from bakeoff.records.run import RunRecord, RunState
from bakeoff.store.folder import StudyFolder
from bakeoff.study.variants import variants

SMALL = {"epochs": 1, "batch_size": 256, "amp": "off", "offline": True, "device": "cpu"}


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Register networks for one test."""

    def add(name: str, build: Callable[..., nn.Module] | None = None, min_size: int = 1) -> str:
        def linear(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
            """One layer."""
            return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))

        list(networks)  # so that the registry has looked for itself
        monkeypatch.setitem(networks._entries, name, Network(build or linear, min_size, "a test"))
        return name

    return add


def compare(out: Path, models: Any, **changes: Any) -> bakeoff.Result:
    return bakeoff.compare(changes.pop("data", "digits"), models, out=out, **{**SMALL, **changes})


def test_a_comparison_leaves_all_that_it_promises(tmp_path: Path, tiny: Callable[..., str]):
    result = compare(tmp_path / "out", [tiny("one"), tiny("two", min_size=10)], seeds=2, epochs=2)
    assert [(run.spec.model.name, run.spec.seed) for run in result.runs] == [
        ("one", 0),
        ("two", 0),
        ("one", 1),
        ("two", 1),
    ]
    for run in result.runs:
        assert run.state is RunState.FINISHED
        assert len(run.epochs) == 2
        assert set(run.metrics) == {"train", "val", "test"}
        assert run.best_epoch in (1, 2)
        predictions = result.predictions(run)
        assert (predictions.logits.argmax(1) == predictions.labels).mean() == run.metrics["test"]["accuracy"]
        folder = result.run_folder(run).path
        names = {path.name.split(".out.")[0] for path in folder.iterdir()}
        assert names == {"spec.json", "weights.safetensors", "logits.safetensors", "gradcam.safetensors", "events"}
        assert json.loads((folder / "spec.json").read_text()) == run.spec.content()
    assert [d.what for d in result.runs[1].deviations] == ["model.image_size"]
    assert len({len(result.predictions(run).labels) for run in result.runs}) == 1
    table = result.leaderboard()
    assert set(table["model"]) == {"one", "two"}
    assert set(table["seeds"]) == {2}
    mean = np.mean([run.metrics["test"]["accuracy"] for run in result.runs if run.spec.model.name == "one"])
    assert table.set_index("model").loc["one", "test_accuracy_mean"] == pytest.approx(mean)
    again = bakeoff.load(tmp_path / "out")
    assert again.runs == result.runs


def test_the_same_again_trains_nothing_and_more_seeds_train_only_those(tmp_path, tiny, monkeypatch):
    trained: list[str] = []
    from bakeoff.study import execute

    real = execute.run_one
    monkeypatch.setattr(execute, "run_one", lambda plan, *rest: trained.append(plan.spec.run_id) or real(plan, *rest))
    first = compare(tmp_path / "out", tiny("one"), seeds=1)
    assert len(trained) == 1
    again = compare(tmp_path / "out", "one", seeds=1)
    assert len(trained) == 1
    assert again.runs == first.runs
    told = compare(tmp_path / "out", "one", seeds=1, target_accuracy=0.01)
    assert len(trained) == 1
    assert told.leaderboard()["target_reached"].tolist() == [1]
    more = compare(tmp_path / "out", ["one", tiny("two")], seeds=2)
    assert len(trained) == 4
    assert {run.run_id for run in first.runs} < {run.run_id for run in more.runs}


def test_other_settings_in_the_same_folder_are_refused_with_the_difference(tmp_path, tiny):
    compare(tmp_path / "out", tiny("one"), seeds=1)
    with pytest.raises(StoreError, match=r"belongs to another study: overrides.recipe.epochs is 1 there and 2 here"):
        compare(tmp_path / "out", "one", seeds=1, epochs=2)
    with pytest.raises(StoreError, match=r"protocol.val_fraction is 0.1 there and 0.2 here"):
        compare(tmp_path / "out", "one", seeds=1, val_fraction=0.2)


def test_a_run_that_fails_is_recorded_and_the_study_goes_on(tmp_path, tiny):
    def broken(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
        """Fails."""
        raise RuntimeError("the dog ate it")

    def exploding(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
        """Diverges."""

        class Explodes(nn.Sequential):
            def forward(self, images: torch.Tensor) -> torch.Tensor:
                return super().forward(images) * float("inf")

        return Explodes(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))

    names = [tiny("broken", broken), tiny("exploding", exploding), tiny("fine")]
    result = compare(tmp_path / "out", names, seeds=1)
    states = {run.spec.model.name: run for run in result.runs}
    assert states["broken"].state is RunState.FAILED
    assert states["broken"].error == "RuntimeError: the dog ate it"
    assert states["exploding"].state is RunState.DIVERGED
    assert "step 1 of epoch 1" in states["exploding"].error
    assert states["fine"].state is RunState.FINISHED
    assert any(event.kind == "traceback" and "the dog ate it" in event.detail for event in result.events)
    table = result.leaderboard().set_index("model")
    assert table.index[0] == "fine"
    assert dict(table["failed"]) == {"fine": 0, "broken": 1, "exploding": 1}
    again = compare(tmp_path / "out", names, seeds=1)
    attempts = {run.spec.model.name: run.attempts for run in again.runs}
    assert attempts == {"broken": 2, "exploding": 1, "fine": 1}, "only what failed is tried again"


def test_the_test_images_decide_nothing(tmp_path, tiny):
    """Other pixels in the test set change the test figures, and not a bit of the weights."""
    random = np.random.default_rng(0)
    x, y = random.integers(0, 256, (300, 8, 8), dtype=np.uint8), np.arange(300) % 3
    weights, figures = [], []
    for name, test_images in [("a", x[:60]), ("b", 255 - x[:60])]:
        np.savez(tmp_path / f"{name}.npz", x_train=x[60:], y_train=y[60:], x_test=test_images, y_test=y[:60])
        result = compare(
            tmp_path / name, tiny(f"net-{name}"), data=str(tmp_path / f"{name}.npz"), seeds=1, epochs=3, batch_size=32
        )
        (run,) = result.runs
        weights.append(result.run_folder(run).weights.read_bytes())
        figures.append((run.metrics["train"], run.metrics["val"], run.metrics["test"]))
    assert weights[0] == weights[1]
    assert figures[0][:2] == figures[1][:2]
    assert figures[0][2] != figures[1][2]


def test_the_test_set_is_opened_after_the_last_epoch(tmp_path, tiny):
    result = compare(tmp_path / "out", tiny("one"), seeds=1, epochs=2)
    kinds = [event.kind for event in result.events]
    assert kinds == ["started", "test opened", "finished"]


def test_equal_seeds_are_bitwise_equal_and_others_differ(tmp_path, tiny):
    def weights(out: str) -> list[bytes]:
        result = compare(tmp_path / out, "simcnn", seeds=2, max_train=300)
        return [result.run_folder(run).weights.read_bytes() for run in result.runs]

    first, second = weights("a"), weights("b")
    assert first == second
    assert first[0] != first[1]


def test_the_generator_of_the_process_is_left_alone(tmp_path, tiny):
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    compare(tmp_path / "out", tiny("one"), seeds=1)
    assert torch.equal(torch.rand(3), expected)


def test_a_grid_makes_variants_with_labels(tmp_path, tiny):
    grid = {"recipe.optimizer.lr": [0.001, 0.01], "recipe.label_smoothing": [0.0, 0.1]}
    result = compare(tmp_path / "out", tiny("one"), seeds=1, grid=grid)
    labels = {run.spec.recipe.name: run.spec.recipe for run in result.runs}
    assert len(labels) == 4
    recipe = labels["default (lr=0.01, label_smoothing=0.1)"]
    assert (recipe.optimizer.lr, recipe.label_smoothing) == (0.01, 0.1)


def test_an_equal_budget_of_steps(tmp_path, tiny):
    result = compare(tmp_path / "out", [tiny("one"), tiny("two")], seeds=1, epochs=None, budget={"steps": 7})
    for run in result.runs:
        assert run.spec.protocol.mode == "budget"
        assert run.spec.recipe.max_steps == 7
        assert len(run.epochs) == 2, "1293 images in batches of 256 are 6 steps"


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        ({"models": "simcn"}, "unknown model 'simcn'; did you mean simcnn"),
        ({"models": "nothing*"}, "nothing"),
        ({"data": "digit"}, "unknown data set 'digit'; did you mean digits"),
        ({"optimizer": "adan"}, "'adam', 'adamw'"),
        ({"recipe": "defalt"}, "unknown recipe 'defalt'; did you mean default"),
        ({"recipe": {"batchsize": 3}}, "unknown field 'recipe.batchsize'; did you mean batch_size"),
        ({"batch_size": 5000}, "batch_size 5000 is larger than the training set of 1294 images"),
        ({"epochs": 0}, "recipe.epochs: .*got 0"),
        ({"lr": -1}, "lr: .*greater than 0; got -1"),
        ({"seeds": 0}, "at least one seed"),
        ({"device": "gpu"}, "no device 'gpu' here; choose from auto, cpu"),
        ({"val_fraction": 0}, "there are no validation images"),
        ({"grid": {"recipe.nothing": [1]}}, "unknown field 'recipe.nothing'"),
        ({"grid": {"recipe.epochs.x": [1]}}, "no field 'recipe.epochs.x'"),
        ({"mode": "own-recipe", "recipe": "default"}, "leave out the recipes"),
        ({"data_dir": "/nowhere", "data": "cifar10"}, "no such folder of data sets"),
    ],
)
def test_a_mistake_is_one_sentence_and_nothing_is_written(tmp_path: Path, arguments: dict, sentence: str):
    given = {"models": "simcnn", "seeds": 1, **arguments}
    with pytest.raises(BakeoffError, match=sentence) as caught:
        compare(tmp_path / "out", given.pop("models"), **given)
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "out").exists()


def test_a_time_limit_saves_and_stops_and_the_same_again_goes_on(tmp_path, tiny):
    def slow(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
        """Takes its time."""

        class Slow(nn.Sequential):
            def forward(self, images: torch.Tensor) -> torch.Tensor:
                time.sleep(0.05)
                return super().forward(images)

        return Slow(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))

    name = tiny("slow", slow)
    expected = compare(tmp_path / "whole", name, seeds=1, epochs=5)
    cut = compare(tmp_path / "out", name, seeds=1, epochs=5, time_limit=0.5)
    assert cut.runs[0].state is RunState.INTERRUPTED
    result = compare(tmp_path / "out", name, seeds=1, epochs=5)
    assert result.runs[0].state is RunState.FINISHED
    assert result.runs[0].attempts == 2
    assert result.runs[0].metrics == expected.runs[0].metrics


@pytest.mark.parametrize("kind", [signal.SIGTERM, signal.SIGKILL])
def test_a_killed_study_ends_as_one_that_was_not(tmp_path: Path, kind: signal.Signals):
    def command(out: str) -> list[str]:
        flags = "--models lenet5 --seeds 1 --epochs 40 --batch-size 32 --amp off --offline --device cpu"
        return [sys.executable, "-m", "bakeoff", "compare", "digits", *flags.split(), "--out", str(tmp_path / out)]

    subprocess.run(command("whole"), check=True, capture_output=True)
    child = subprocess.Popen(command("killed"), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    database = tmp_path / "killed" / "bakeoff.db"
    while not database.exists() or _epochs(database) < 3:
        assert child.poll() is None, child.communicate()
        time.sleep(0.02)
    child.send_signal(kind)
    _, errors = child.communicate(timeout=20)
    assert child.returncode == (143 if kind is signal.SIGTERM else -kind)
    if kind is signal.SIGTERM:
        assert "stopped by SIGTERM; 1 runs are left, and the same command goes on with them" in errors
    subprocess.run(command("killed"), check=True, capture_output=True)
    whole, killed = (bakeoff.load(tmp_path / out) for out in ("whole", "killed"))
    assert _facts(whole.runs[0]) == _facts(killed.runs[0])
    weights = [r.run_folder(r.runs[0]).weights.read_bytes() for r in (whole, killed)]
    assert weights[0] == weights[1]


def _epochs(database: Path) -> int:
    with sqlite3.connect(database) as connection:
        try:
            return int(connection.execute("SELECT count(*) FROM epoch").fetchone()[0])
        except sqlite3.OperationalError:
            return 0


def _facts(run: RunRecord) -> tuple[Any, ...]:
    rows = [
        (row.epoch, row.lr, row.train_loss, row.train_accuracy, row.val_loss, row.val_accuracy) for row in run.epochs
    ]
    return run.run_id, run.state, rows, run.best_epoch, run.metrics


def test_what_comes_to_the_same_training_is_refused_before_any(tmp_path: Path):
    with pytest.raises(SpecError, match="come to the same training here .* leave one out"):
        compare(tmp_path / "out", "lenet5", seeds=1, epochs=1, grid={"recipe.normalize": ["auto", "dataset"]})
    assert not (tmp_path / "out").exists()


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


def test_two_processes_do_not_train_into_one_folder(tmp_path: Path):
    compare(tmp_path / "out", "lenet5", seeds=1, epochs=1)
    with StudyFolder(tmp_path / "out").working(), pytest.raises(StoreError, match="another process trains into"):
        compare(tmp_path / "out", "lenet5", seeds=2, epochs=1)


def test_a_frozen_backbone_gives_the_same_with_and_without_the_cache(tmp_path: Path):
    models = [{"name": "lenet5", "freeze": "backbone", "head": [8], "pool": "flatten"}]
    recipes = [{"name": "cached", "epochs": 2}, {"name": "exact", "epochs": 2, "cache_features": False}]
    result = compare(tmp_path / "out", models, seeds=1, recipe=recipes)
    cached, exact = result.runs
    assert (cached.cost.cached_features, exact.cost.cached_features) == (True, False)
    assert cached.cost.feature_seconds > 0
    for part in ("train", "val", "test"):
        mine, theirs = (result.predictions(run, part).logits for run in (cached, exact))
        np.testing.assert_allclose(mine, theirs, atol=1e-5)


def test_an_argument_that_there_is_not_is_named(tmp_path: Path):
    with pytest.raises(SpecError, match="no argument 'epoch'; did you mean epochs"):
        compare(tmp_path / "out", "lenet5", epoch=3)
