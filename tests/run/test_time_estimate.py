"""What a few steps say of a run whose backbone is frozen."""

from pathlib import Path

import pytest
import torch

import bakeoff
from bakeoff.data.locations import Locations
from bakeoff.run.estimate import estimate
from bakeoff.study.declare import declare
from bakeoff.study.plan import make_plan

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
