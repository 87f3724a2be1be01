"""A whole comparison, small: what it records, what it skips, what it refuses."""

import errno
import gc
import html
import io
import json
import re
import signal
import sqlite3
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

import bakeoff
from bakeoff.cli.live import JsonLines
from bakeoff.data.locations import Locations
from bakeoff.errors import BakeoffError, SpecError, StoreError
from bakeoff.evidence.wording import sentences
from bakeoff.models import Network, networks
from bakeoff.records.run import RunRecord, RunState
from bakeoff.specs.study import StudySpec
from bakeoff.study.environments import changed, mixed
from bakeoff.study.expand import expand
from bakeoff.study.plan import make_plan
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
    assert attempts == {"broken": 1, "exploding": 1, "fine": 1}, "what failed stays so"
    asked = compare(tmp_path / "out", names, seeds=1, retry_failed=True)
    attempts = {run.spec.model.name: run.attempts for run in asked.runs}
    assert attempts == {"broken": 2, "exploding": 1, "fine": 1}, "until it is asked for"


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
        ({"epochs": 0}, "^epochs: .*got 0"),
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
    _, errors = child.communicate(timeout=300)
    assert child.returncode == (143 if kind is signal.SIGTERM else -kind)
    if kind is signal.SIGTERM:
        assert "stopped by SIGTERM; 1 run is left, and the same command goes on where it was" in errors
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


@pytest.mark.parametrize(
    ("model", "recipe", "free", "deviation"),
    [
        ({}, {"views": 2, "augment": ["flip"]}, 10**12, None),
        ({}, {}, 10**8, ("recipe.cache_features", "do not fit, 0.1 GiB are free")),
        ({"freeze": "none"}, {"views": 2, "augment": ["flip"]}, 10**12, ("recipe.views", "the backbone is not frozen")),
        ({}, {"views": 2, "augment": ["mixup"]}, 10**12, ("recipe.views", "mixes images")),
    ],
)
def test_views_and_caches_without_effect_are_deviations(tmp_path, monkeypatch, model, recipe, free, deviation):
    from bakeoff.training import features

    monkeypatch.setattr(features.shutil, "disk_usage", lambda _: type("Usage", (), {"free": free})())
    models = [{"name": "lenet5", "freeze": "backbone", "head": [8], "pool": "flatten", **model}]
    (run,) = compare(tmp_path / "out", models, seeds=1, max_train=300, recipe={"epochs": 1, **recipe}).runs
    assert run.state is RunState.FINISHED, run.error
    found = [(d.what, d.why) for d in run.deviations if d.what.startswith("recipe.")]
    assert len(found) == (deviation is not None)
    if deviation:
        assert found[0][0] == deviation[0]
        assert deviation[1] in found[0][1]


def test_gray_images_are_repeated_where_colours_have_statistics_of_their_own(tmp_path: Path):
    recipe = {"epochs": 1, "normalize": "caffe"}
    (run,) = compare(tmp_path / "out", "lenet5", seeds=1, max_train=300, recipe=recipe).runs
    assert ("input channels", "1", "3") in [(d.what, d.wanted, d.got) for d in run.deviations]
    assert run.parameters.total == 15_626 + 2 * 6 * 25  # of LeNet-5 on these gray images, and two more colours


def test_a_share_without_effect_is_a_deviation(tmp_path: Path):
    x, y = np.zeros((90, 8, 8), np.uint8), np.arange(90) % 3
    np.savez(tmp_path / "d.npz", x_train=x, y_train=y, x_test=x[:30], y_test=y[:30], x_val=x[:30], y_val=y[:30])
    study = {"data": {"name": str(tmp_path / "d.npz")}, "models": "lenet5", "seeds": 1, "recipes": [{"batch_size": 8}]}
    where = Locations(cache=tmp_path / "cache", offline=True)

    def deviations(**protocol: float) -> list[str]:
        plan = make_plan(StudySpec.parse({**study, "protocol": protocol}), where, torch.device("cpu"))
        return [d.what for d in plan.runs[0].deviations if d.what.startswith("protocol")]

    assert deviations() == []
    assert deviations(val_fraction=0.3, test_fraction=0.5) == ["protocol.val_fraction", "protocol.test_fraction"]


def test_python_users_see_progress_and_the_answer(tmp_path: Path, tiny, capsys: pytest.CaptureFixture[str]):
    result = compare(tmp_path / "out", [tiny("<one>"), tiny("two")], seeds=1, verbose=True)
    lines = capsys.readouterr().out.splitlines()
    assert [line.partition(": test accuracy ")[0] for line in lines] == [
        "[1/2] <one>, default, seed 0",
        "[2/2] two, default, seed 0",
    ]
    text, page = str(result), result._repr_html_()
    said = sentences(result.judgement().verdict)
    assert text.startswith(said[0])
    assert "95 % interval" in text
    assert "report() writes a report" in text
    assert html.escape(said[0]) in page
    assert "<one>" in text
    assert "&lt;one&gt;" in page
    assert "<one>" not in page
    report = result.report()
    assert str(report) in str(result)
    compare(tmp_path / "out", ["<one>", "two"], seeds=1)
    assert capsys.readouterr().out == "", "in a pipe nothing is printed"


def test_other_versions_are_told_and_are_no_other_runs(tmp_path: Path):
    runs = compare(tmp_path / "out", "lenet5", seeds=2, epochs=1).runs
    assert mixed(runs) == ()
    newer = replace(runs[1], environment={**runs[1].environment, "torch": "99.0"})
    (sentence,) = mixed([runs[0], newer])
    assert re.search(r"different versions of torch: .* \(1 of 2 runs\), 99.0 \(1 of 2 runs\)", sentence)
    assert newer.run_id == runs[1].run_id
    (deviation,) = changed(runs[1].environment, newer.environment)
    assert (deviation.what, deviation.got) == ("versions of torch", "99.0")


def test_an_argument_that_there_is_not_is_named(tmp_path: Path):
    with pytest.raises(SpecError, match="no argument 'epoch'; did you mean epochs"):
        compare(tmp_path / "out", "lenet5", epoch=3)


@pytest.mark.parametrize("stop_at", [3, 12, 60])  # in the two validations, and in the last judgement
def test_asked_to_stop_while_the_network_is_judged_it_goes_on_to_the_same_end(tmp_path, tiny, monkeypatch, stop_at):
    """Judging many images may take minutes, in which Ctrl-C must be heard."""
    monkeypatch.setattr("bakeoff.run.run_one.images_at_once", lambda size: 16)
    expected = compare(tmp_path / "whole", tiny("one"), seeds=1, epochs=2)
    seen = iter(range(10**9))
    asked: list[int] = []

    def why_stop(*_: object) -> str:
        if any(frame.name == "_inputs" for frame in traceback.extract_stack()):
            asked.extend([stop_at] * (next(seen) == stop_at))
        return "asked" if asked else ""

    with monkeypatch.context() as patched:
        patched.setattr("bakeoff.study.stopping.Stop.why", why_stop)
        cut = compare(tmp_path / "out", "one", seeds=1, epochs=2)
        assert cut.runs[0].state is RunState.INTERRUPTED
    result = compare(tmp_path / "out", "one", seeds=1, epochs=2)
    assert _facts(result.runs[0]) == _facts(expected.runs[0])


def test_a_small_data_set_is_one_batch_where_no_size_was_asked_for(tmp_path, tiny):
    name = tiny("one")
    result = bakeoff.compare("digits", name, seeds=1, max_train=60, out=tmp_path / "out", epochs=1, offline=True)
    (run,) = result.runs
    assert run.state is RunState.FINISHED
    assert run.spec.recipe.batch_size == 60
    assert any(deviation.what == "recipe.batch_size" and deviation.got == "60" for deviation in run.deviations)
    with pytest.raises(SpecError, match="batch_size 64 is larger than the training set of 60 images"):
        bakeoff.compare("digits", name, seeds=1, max_train=60, out=tmp_path / "b", batch_size=64, offline=True)


def test_logits_that_are_not_finite_are_never_ranked(tmp_path, tiny):
    def overflowing(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
        """Overflows for a few images, where there is no validation to notice."""

        class Overflows(nn.Sequential):
            def forward(self, images: torch.Tensor) -> torch.Tensor:
                logits = super().forward(images)
                return (
                    logits if self.training else torch.where(torch.arange(len(images))[:, None] == 3, torch.inf, logits)
                )

        return Overflows(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))

    result = compare(tmp_path / "out", tiny("odd", overflowing), seeds=1, val_fraction=0, recipe={"select": "last"})
    assert result.runs[0].state is RunState.DIVERGED
    assert "the final network's logits are not finite for 3 images of the train part" in result.runs[0].error


def test_a_full_disk_ends_the_study_with_a_sentence_and_it_goes_on_once_there_is_room(tmp_path, tiny, monkeypatch):
    expected = compare(tmp_path / "whole", tiny("one"), seeds=2)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("bakeoff.store.folder.RunFolder.write_predictions", full)
        with pytest.raises(StoreError, match="the disk of .*out.* is full; make room, and the same command goes on"):
            compare(tmp_path / "out", "one", seeds=2)
    cut = bakeoff.load(tmp_path / "out").runs
    assert [(run.state, run.attempts) for run in cut] == [(RunState.INTERRUPTED, 1), (RunState.PENDING, 0)]
    result = compare(tmp_path / "out", "one", seeds=2)
    assert [_facts(run) for run in result.runs] == [_facts(run) for run in expected.runs]


def test_a_damaged_checkpoint_is_told_to_the_user_and_kept_among_the_events(tmp_path, tiny, monkeypatch):
    compare(tmp_path / "out", tiny("one"), seeds=1, epochs=3, time_limit=1e-9)
    result = bakeoff.load(tmp_path / "out")
    checkpoints = result.run_folder(result.runs[0]).checkpoints
    checkpoints.mkdir(parents=True)
    (checkpoints / f"{1:012d}.json").write_text("{")
    stream = io.StringIO()
    events = compare(tmp_path / "out", "one", seeds=1, epochs=3, observer=JsonLines(stream)).events
    told = json.loads(stream.getvalue().splitlines()[0])
    assert told["event"] == "notice"
    assert told["text"].startswith("checkpoint 1 is damaged (")
    assert told["text"].endswith("; training starts anew")
    assert [event.detail for event in events if event.kind == "notice"] == [told["text"]]


def test_what_ran_before_changes_nothing_and_leaves_nothing(tmp_path, tiny):
    def alive() -> int:
        gc.collect()
        return sum(issubclass(type(one), nn.Module) for one in gc.get_objects())

    alone = compare(tmp_path / "alone", "lenet5", seeds=1, epochs=1)
    before = alive()
    after = compare(tmp_path / "after", ["simcnn", tiny("one"), "lenet5"], seeds=1, epochs=1)
    assert _facts(after.runs[2]) == _facts(alone.runs[0])
    assert alive() == before
