"""What a few steps say of how long a run takes."""

from itertools import repeat
from pathlib import Path

import pytest
import torch

import bakeoff
from bakeoff.data.locations import Locations
from bakeoff.run import estimate as module
from bakeoff.run.estimate import estimate
from bakeoff.study.declare import declare
from bakeoff.study.plan import make_plan
from bakeoff.training.hard_examples import Proxy

CPU = torch.device("cpu")
FROZEN = {"name": "resnet20", "freeze": "backbone", "pool": "avg"}
HEADS = [FROZEN | {"label": "one"}, FROZEN | {"label": "two", "head": [16]}]
STUDY = {"recipe": {"epochs": 2, "batch_size": 50, "amp": "off"}, "seeds": 2}


def estimates(cache: Path, **study):
    plan = make_plan(
        declare("digits", **(STUDY | {"models": HEADS} | study)), Locations(offline=True, cache=cache), CPU
    )
    return [estimate(run, plan.images, plan.split_of(run.spec), CPU, plan.features) for run in plan.runs]


def test_heads_on_one_backbone_want_the_same_features_until_they_are_there(tmp_path: Path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    # Untrained backbones differ from seed to seed, as those with weights do not.
    found = estimates(tmp_path / "cache", seeds=1)
    assert [len(one.features) for one in found] == [2, 2], "training and validation"
    assert found[0].features.keys() == found[1].features.keys()
    assert all(one.training > 0 and min(one.features.values()) > 0 for one in found)
    bakeoff.compare(
        "digits", HEADS[:1], **(STUDY | {"seeds": 1}), offline=True, device="cpu", out=tmp_path / "out", verbose=False
    )
    assert [one.features for one in estimates(tmp_path / "cache", seeds=1)] == [{}, {}]


@pytest.mark.parametrize("views", [0, 2])
def test_the_images_of_every_view_are_gone_through(tmp_path: Path, views: int):
    recipe = STUDY["recipe"] | ({"augment": ["shift"], "views": views} if views else {})
    (one,) = estimates(tmp_path, models=HEADS[:1], recipe=recipe, seeds=1)
    assert len(one.features) == 2 + views
    most, *others = sorted(one.features.values(), reverse=True)
    # Test images go with the training images as they are: 1,437 images of which a tenth is for validation, and 360.
    assert most / others[0] == pytest.approx((1293 + 360) / (1293 if views else 144), rel=0.01)


def test_what_is_trained_whole_has_no_features(tmp_path: Path):
    (one,) = estimates(tmp_path, models="lenet5", seeds=1)
    assert one.features == {}
    assert one.training > 0


def counted(monkeypatch: pytest.MonkeyPatch, *seconds: float) -> float:
    """Return what is made of steps that take so long, the last of them for ever."""
    now, left = [0.0], list(seconds)
    monkeypatch.setattr(module.time, "perf_counter", lambda: now[0])

    def work(_: object) -> None:
        now[0] += left.pop(0) if len(left) > 1 else left[0]

    return module._settled(work, repeat(None))


def test_steps_that_warm_up_do_not_count_however_long_they_take(monkeypatch: pytest.MonkeyPatch):
    assert counted(monkeypatch, 4.0, 2.2, 2.0) == pytest.approx(2.0)
    assert counted(monkeypatch, 30.0, 20.0) == 30.0, "a second one is not waited for"
    assert counted(monkeypatch, 0.9, 0.01) == pytest.approx(0.01)


def test_smaller_images_count_by_their_pixels(tmp_path: Path):
    settings = {"epochs": 4, "batch_size": 719, "progressive": {"scale": 0.5, "epochs": 3}}
    study = declare("digits", "resnet20", recipe=settings, seeds=1)
    plan = make_plan(study, Locations(offline=True, cache=tmp_path), CPU)
    (run,) = plan.runs
    assert run.spec.model.image_size % 2 == 0
    assert module._whole_steps(run.spec, 2) == 3 * 2 / 4 + 2
    short = run.spec.recipe.model_copy(update={"max_steps": 4})
    assert module._whole_steps(run.spec.model_copy(update={"recipe": short}), 2) == 1


def test_a_step_picks_its_images_as_the_run_does(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    picked = []
    pick = Proxy.pick
    monkeypatch.setattr(Proxy, "pick", lambda *args: picked.append(pick(*args)) or picked[-1])
    settings = {"epochs": 1, "batch_size": 64, "hard_examples": {"keep": 0.25, "proxy": "lenet5"}}
    estimates(tmp_path, models="lenet5", seeds=1, recipe=settings)
    assert max(len(batch) for batch in picked) == 16
