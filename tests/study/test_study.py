"""A whole comparison, small: what it records, what it skips, what it refuses."""

import gc
import html
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from small import compare, facts
from torch import nn

import bakeoff
from bakeoff.errors import BakeoffError, SpecError, StoreError
from bakeoff.evidence.wording import sentences
from bakeoff.records.run import RunState

pytestmark = pytest.mark.usefixtures("own_cache")


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
    from bakeoff.study import bench

    real = bench.run_one
    monkeypatch.setattr(bench, "run_one", lambda plan, *rest: trained.append(plan.spec.run_id) or real(plan, *rest))
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
        ({"grid": {f"recipe.optimizer.{name}": [0] * 50 for name in ("lr", "eps", "alpha")}}, "make 125,000 runs of a"),
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
    assert "\\" not in text, "no escapes are shown"
    assert "report() writes a report" in text
    assert html.escape(said[0]) in page
    assert "<one>" in text
    assert "&lt;one&gt;" in page
    assert "<one>" not in page
    report = result.report()
    assert str(report) in str(result)
    compare(tmp_path / "out", ["<one>", "two"], seeds=1)
    assert capsys.readouterr().out == "", "in a pipe nothing is printed"


def test_an_argument_that_there_is_not_is_named(tmp_path: Path):
    with pytest.raises(SpecError, match="no argument 'epoch'; did you mean epochs"):
        compare(tmp_path / "out", "lenet5", epoch=3)


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


def test_what_ran_before_changes_nothing_and_leaves_nothing(tmp_path, tiny):
    def alive() -> int:
        gc.collect()
        return sum(issubclass(type(one), nn.Module) for one in gc.get_objects())

    alone = compare(tmp_path / "alone", "lenet5", seeds=1, epochs=1)
    before = alive()
    after = compare(tmp_path / "after", ["simcnn", tiny("one"), "lenet5"], seeds=1, epochs=1)
    assert facts(after.runs[2]) == facts(alone.runs[0])
    assert alive() == before
