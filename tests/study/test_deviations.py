"""What a run does otherwise than it was asked to, and that it says so."""

import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from small import compare

import bakeoff
from bakeoff.data.locations import Locations
from bakeoff.errors import SpecError
from bakeoff.records.run import RunState
from bakeoff.specs.study import StudySpec
from bakeoff.study.environments import changed, mixed
from bakeoff.study.plan import make_plan

pytestmark = pytest.mark.usefixtures("own_cache")


def test_a_frozen_backbone_gives_the_same_with_and_without_the_cache_and_the_report_says_which(tmp_path: Path):
    models = [{"name": "lenet5", "freeze": "backbone", "head": [8], "pool": "flatten"}]
    recipes = [{"name": "cached", "epochs": 2}, {"name": "exact", "epochs": 2, "cache_features": False}]
    result = compare(tmp_path / "out", models, seeds=1, recipe=recipes)
    cached, exact = result.runs
    assert (cached.cost.cached_features, exact.cost.cached_features) == (True, False)
    assert cached.cost.feature_seconds > 0
    for part in ("train", "val", "test"):
        mine, theirs = (result.predictions(run, part).logits for run in (cached, exact))
        np.testing.assert_allclose(mine, theirs, atol=1e-5)
    report = result.report(tmp_path / "report.html").read_text()
    assert "trained on cached features" in report
    assert "frozen, and run anew on every image of every epoch" in report


@pytest.mark.parametrize(
    ("model", "recipe", "free", "deviation"),
    [
        ({}, {"views": 2, "augment": ["flip"]}, 10**12, None),
        ({}, {}, 10**8, ("recipe.cache_features", "do not fit, 0.1 GiB are free")),
        ({"freeze": "none"}, {"views": 2, "augment": ["flip"]}, 10**12, ("recipe.views", "the backbone is not frozen")),
        ({}, {"views": 2, "augment": ["mixup"]}, 10**12, ("recipe.views", "mixes images")),
        ({}, {"engine": "compile"}, 10**12, ("recipe.engine", "cached features, and it is not compiled")),
        ({"freeze": "none"}, {"engine": "compile"}, 10**12, None),
    ],
)
def test_settings_without_effect_on_cached_features_are_deviations(
    tmp_path, monkeypatch, model, recipe, free, deviation
):
    from bakeoff.training import features

    monkeypatch.setattr("bakeoff.run.wiring.make_ready", lambda model, engine: model)  # compiling takes long
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


def test_other_versions_are_told_and_are_no_other_runs(tmp_path: Path):
    runs = compare(tmp_path / "out", "lenet5", seeds=2, epochs=1).runs
    assert mixed(runs) == ()
    newer = replace(runs[1], environment={**runs[1].environment, "torch": "99.0"})
    (sentence,) = mixed([runs[0], newer])
    assert re.search(r"different versions of torch: .* \(1 of 2 runs\), 99.0 \(1 of 2 runs\)", sentence)
    assert newer.run_id == runs[1].run_id
    (deviation,) = changed(runs[1].environment, newer.environment)
    assert (deviation.what, deviation.got) == ("versions of torch", "99.0")


def test_a_small_data_set_is_one_batch_where_no_size_was_asked_for(tmp_path, tiny):
    name = tiny("one")
    result = bakeoff.compare("digits", name, seeds=1, max_train=60, out=tmp_path / "out", epochs=1, offline=True)
    (run,) = result.runs
    assert run.state is RunState.FINISHED
    assert run.spec.recipe.batch_size == 60
    assert any(deviation.what == "recipe.batch_size" and deviation.got == "60" for deviation in run.deviations)
    with pytest.raises(SpecError, match="batch_size 64 is larger than the training set of 60 images"):
        bakeoff.compare("digits", name, seeds=1, max_train=60, out=tmp_path / "b", batch_size=64, offline=True)
