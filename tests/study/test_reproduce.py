"""Reproducing a system: the study that it is, the figures that come of it, and the folder that is left."""

import json
import math
import re
from pathlib import Path

import pytest

import bakeoff
from bakeoff.data import augment
from bakeoff.errors import BakeoffError, ModelError, SpecError, UnknownNameError
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.run.resolve import override
from bakeoff.specs.library import systems
from bakeoff.specs.run import RunSpec
from bakeoff.study.expand import expand
from bakeoff.study.reported import Figure
from bakeoff.study.reproduce import Reproduction, study_of


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))


def test_the_study_of_a_system_is_its_document():
    first, *others = expand(study_of("vgg-small", seeds=2))
    assert len(others) == 1
    assert (first.data.name, first.model.name, first.recipe.name) == ("cifar10", "vgg-small", "vgg-small")
    assert (first.recipe.normalize, first.recipe.epochs, first.protocol.val_fraction) == ("per-image", 20, 0.1)
    (short,) = expand(study_of("vgg-small", seeds=[7], epochs=1, max_train=100))
    assert (short.seed, short.recipe.epochs, short.data.max_train) == (7, 1, 100)


def test_faithful_changes_what_the_entry_says_and_nothing_else():
    (right,) = expand(study_of("resnet50v2-frozen", seeds=1))
    (wrong,) = expand(study_of("resnet50v2-frozen", seeds=1, faithful=True))
    assert (right.recipe.normalize, right.model.image_size) == ("auto", None)
    assert (wrong.recipe.normalize, wrong.model.image_size) == ("unit", 32)
    assert wrong.model.title == "resnet50v2-frozen (faithful)"
    same = {"recipe": wrong.recipe.model_copy(update={"normalize": "auto"})}
    same["model"] = wrong.model.model_copy(update={"image_size": None, "label": right.model.label})
    assert wrong.model_copy(update=same) == right


def test_a_mistake_is_told_before_anything_is_trained():
    with pytest.raises(UnknownNameError, match="did you mean simcnn"):
        bakeoff.reproduce("simcn")
    with pytest.raises(SpecError, match="simcnn: it has no fault of a document that could be repeated"):
        bakeoff.reproduce("simcnn", faithful=True)


def test_a_figure_is_compared_with_single_runs():
    figure = Figure("test_accuracy", 0.70, (0.71, 0.72, 0.73))
    low, high = figure.interval
    # Student's quantile with 2 degrees of freedom is 4.303
    half = 4.302653 * 0.01 * math.sqrt(1 + 1 / 3)
    assert (low, high) == pytest.approx((0.72 - half, 0.72 + half), abs=1e-6)
    assert figure.lies == "inside"
    assert Figure("test_accuracy", 0.6, figure.values).lies == "below"
    assert Figure("test_loss", 0.8, figure.values).lies == "above"
    assert Figure("test_accuracy", 0.7, (0.9, 0.99)).interval[1] == 1
    alone = Figure("test_accuracy", 0.70, (0.71,))
    assert (alone.mean, alone.sd, alone.interval, alone.lies) == (0.71, None, None, None)
    assert Figure("test_accuracy", None, figure.values).lies is None


def test_a_reproduction_leaves_its_figures_and_is_not_trained_again(tmp_path: Path, tiny_data: Path):
    def reproduce(seeds: int) -> bakeoff.study.reproduce.Reproduction:
        return bakeoff.reproduce(
            "simcnn", seeds=seeds, epochs=1, max_train=100, out=tmp_path, data_dir=tiny_data, offline=True, device="cpu"
        )

    done = reproduce(seeds=2)
    written = json.loads((tmp_path / "simcnn" / "reproduced.json").read_text())
    assert written == json.loads(json.dumps(done.content()))
    report = (tmp_path / "simcnn" / "report.html").read_text()
    assert "Reported and reproduced" in report
    assert "71.61" in report
    assert re.search(r"seconds per epoch.*?69\.0", report, re.DOTALL)
    figures = {figure["figure"]: figure for figure in written["figures"]}
    assert set(figures) == {"test_accuracy", "test_loss", "running_train_accuracy", "running_train_loss"}
    assert figures["test_accuracy"]["reported"] == 0.7161
    assert figures["test_accuracy"]["n"] == 2
    tests = [run.metrics["test"]["accuracy"] for run in done.records]
    assert figures["test_accuracy"]["reproduced"] == pytest.approx(sum(tests) / 2)
    assert written["parameters"]["reproduced"] == written["parameters"]["reported"]
    assert written["seconds_per_epoch"]["reported"] == [69, 69]
    assert written["seconds_per_epoch"]["reproduced"] > 0
    assert written["seconds_per_epoch"]["faster"] is None  # an epoch of fewer images is no comparison
    assert written["notes"][:2] == [
        "Changed here: the training images, to 100.",
        "Changed here: recipe.epochs, to 1 from 10.",
    ]
    assert figures["test_accuracy"]["interval"]
    assert {figure["lies"] for figure in written["figures"]} == {None}, "one epoch says nothing of what ten give"
    markdown = bakeoff.load(tmp_path / "simcnn").report(tmp_path / "report.md").read_text()
    assert re.search(r"simcnn.*seconds per epoch.*69\.0", markdown)
    assert "- Changed here: the training images, to 100." in markdown
    again = reproduce(seeds=3)
    assert [run.finished for run in again.records][:2] == [run.finished for run in done.records]
    assert len(again.finished) == 3


def run_of(name: str, faithful: bool = False, **overrides: object) -> RunRecord:
    """Return a finished run as a study resolves it, with fields set otherwise."""
    (declared,) = expand(study_of(name, seeds=1, faithful=faithful))
    written = {
        "model.image_size": declared.model.image_size or 32,
        "model.weights_sha256": "0" * 64,
        "recipe.amp": "off",
        "recipe.augment": [one.content() for one in augment.resolve(declared.recipe.augment)],
    }
    spec = RunSpec.parse(override(declared.content(), {**written, **overrides}))
    epoch = EpochRow(1, 0.1, 1.0, 0.7, 1.0, 0.7, 1.0, 1.0)
    return RunRecord(
        spec, RunState.FINISHED, (epoch,), metrics={"test": {"accuracy": 0.7}, "val": {"accuracy": 0.7, "loss": 1.0}}
    )


BLOCK3 = "vgg16-frozen-block3"
RIGHT = {"recipe.normalize": "caffe"}  # as its weights expect, which the recipe leaves open


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        (RIGHT, ""),
        ({**RIGHT, "recipe.cache_features": False, "model.label": BLOCK3}, ""),
        ({"recipe.normalize": "unit"}, "recipe.normalize, to 'unit' from 'caffe'"),
        ({**RIGHT, "model.weights": "random"}, "model.weights, to 'random' from 'pretrained'"),
        ({**RIGHT, "model.freeze": "none"}, "model.freeze, to 'none' from 'backbone'"),
        ({**RIGHT, "model.image_size": 64}, "model.image_size, to 64 from 32"),
        ({**RIGHT, "data.classes": ["cat", "dog"]}, "the classes, to cat, dog"),
    ],
)
def test_what_was_changed_is_said_and_only_that(overrides: dict[str, object], said: str):
    found = Reproduction(BLOCK3, (run_of(BLOCK3, **overrides),))
    assert found.changes == ((said,) if said else ())


@pytest.mark.parametrize(("name", "reported"), [("simcnn", True), ("mnist-99", False)])
def test_of_reported_figures_is_spoken_where_there_are_some(name: str, reported: bool):
    notes = Reproduction(name, (run_of(name, **{"recipe.epochs": 1}),)).notes
    assert any(note.startswith("Changed here: recipe.epochs, to 1") for note in notes)
    assert any("not said where they lie" in note for note in notes) == reported


@pytest.mark.parametrize(
    ("name", "overrides"),
    [
        ("resnet50v2-frozen", {"recipe.normalize": "tf", "model.image_size": 224}),
        ("inceptionv3-frozen", {"recipe.normalize": "tf", "model.image_size": 299}),
        ("simcnn", {}),
        ("alexnet-bn-224", {}),
        ("vgg16-mnist", {"model.image_size": 28}),
    ],
)
def test_what_a_system_leaves_open_is_no_change_when_it_is_filled_in(name: str, overrides: dict[str, object]):
    assert Reproduction(name, (run_of(name, **overrides),)).changes == ()
    assert Reproduction(name, (run_of(name, **{**overrides, "model.image_size": 100}),)).changes


def test_a_system_that_mends_a_fault_is_not_judged_by_figures_that_the_fault_gave():
    def lies(name: str, faithful: bool, **overrides: object) -> set[str | None]:
        runs = (run_of(name, faithful, **overrides),) * 2
        return {figure.lies for figure in Reproduction(name, runs, faithful).figures if figure.reported is not None}

    assert lies(BLOCK3, faithful=False, **RIGHT) == {None}
    assert lies(BLOCK3, faithful=True) & {"above", "below"}
    assert lies(BLOCK3, faithful=True, **RIGHT) == {None}
    enlarged = run_of("inceptionv3-frozen", faithful=True, **{"model.image_size": 75})
    assert not Reproduction("inceptionv3-frozen", (enlarged,), faithful=True).changes
    assert lies("simcnn", faithful=False) & {"above", "below"}


@pytest.mark.parametrize("name", ["inceptionv3-frozen", "resnet50v2-frozen", BLOCK3])
def test_a_fault_that_is_repeated_is_not_told_as_mended(name: str):
    mended, repeated = (Reproduction(name, (run_of(name, faithful),), faithful).notes for faithful in (False, True))
    assert any("--faithful repeats" in note for note in mended)
    assert any(note.startswith("Repeated here: ") for note in repeated)
    assert not any("--faithful" in note for note in repeated)
    assert {note for note in systems()[name].notes if "--faithful" not in note} <= set(repeated)


def test_inception_takes_images_of_32_pixels_enlarged_and_says_so(tmp_path: Path, tiny_data: Path):
    small = {"name": "inceptionv3-frozen", "weights": "random", "image_size": 32}
    done = bakeoff.compare(
        {"name": "cifar10", "max_train": 20},
        [small],
        **{"mode": "own-recipe", "seeds": 1, "epochs": 1, "batch_size": 10, "verbose": False},
        **{"out": tmp_path / "out", "data_dir": tiny_data, "offline": True, "device": "cpu"},
    )
    (run,) = done.runs
    assert run.state is RunState.FINISHED, run.error
    assert ("model.image_size", "32", "75") in {(found.what, found.wanted, found.got) for found in run.deviations}


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ({"tap": "nix"}, "simcnn has no tap 'nix'.*bakeoff models simcnn --summary"),
        ({"tap": "dense", "pool": "max"}, "pool: max needs maps, and the tap gives 64 features"),
        ({"freeze": "conv7*"}, "freeze: 'conv7\\*' is not none, backbone or all-but-last-N, and fits no weight"),
        ({"freeze": "all-but-last-40"}, "freeze: 'all-but-last-40' has more stages than the backbone's 4"),
        ({"weights": "nix.h5"}, "there is no file 'nix.h5', nor in --data-dir; give the path of one that exists$"),
    ],
)
def test_a_mistake_in_a_model_is_told_before_anything_is_trained(
    model: dict[str, str], sentence: str, tmp_path: Path, tiny_data: Path
):
    with pytest.raises(BakeoffError, match=sentence):
        bakeoff.compare(
            "cifar10", [{"name": "simcnn", **model}], out=tmp_path / "out", data_dir=tiny_data, offline=True
        )
    assert not (tmp_path / "out").exists()


def test_a_system_whose_weights_are_missing_can_be_tried_with_others(tmp_path: Path, tiny_data: Path):
    with pytest.raises(ModelError, match="nor in --data-dir; .*, or pretrained, which is what Keras publishes"):
        bakeoff.reproduce("mobilenet-frozen", out=tmp_path / "out", data_dir=tiny_data, offline=True)
    (pinned,) = expand(study_of("mobilenet-frozen", seeds=1))
    (other,) = expand(study_of("mobilenet-frozen", seeds=1, weights="pretrained"))
    assert (len(pinned.model.weights_sha256), other.model.weights_sha256) == (64, "")
    changed = {"weights": "pretrained", "weights_sha256": ""}
    assert other.model == pinned.model.model_copy(update=changed)
