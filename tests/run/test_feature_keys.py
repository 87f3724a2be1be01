"""Features in the cache are never taken for those of another setting, network or data set."""

from collections import OrderedDict
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bakeoff
from bakeoff.models import Network, networks

MODEL = {"name": "plain", "freeze": "backbone", "pool": "avg"}
RECIPE = {"epochs": 1, "batch_size": 16, "amp": "off", "normalize": "unit"}
STUDY = {"seeds": 1, "max_train": 60, "offline": True, "device": "cpu", "verbose": False}
PARTS = 3  # a file for each


class Scaled(nn.Conv2d):
    """A convolution whose gain is in neither its weights nor its description."""

    gain = 1.0

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        return super().forward(images) * self.gain


def plain(num_classes: int, in_channels: int, image_size: int, gain: float = 1.0) -> nn.Module:
    """One convolution."""
    maps = Scaled(in_channels, 4, 3, padding=1)
    maps.gain = gain
    return nn.Sequential(OrderedDict(maps=maps, classify=nn.Linear(4, num_classes)))


def doubling(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """The same layers with the same weights, which give twice as much."""
    return plain(num_classes, in_channels, image_size, 2.0)


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A cache that has the features of a study."""
    folder = tmp_path_factory.mktemp("cache")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAKEOFF_CACHE", str(folder))
        list(networks)  # so that the registry has looked for itself
        for build in (plain, doubling):
            patch.setitem(networks._entries, build.__name__, Network(build, 1, "a test"))
        assert new_files(folder, {}, {}, {}) == PARTS
        yield folder


def new_files(cache: Path, model: dict[str, Any], recipe: dict[str, Any], study: dict[str, Any]) -> int:
    """Return how many files of features a study adds to a cache."""
    before = set(cache.rglob("*.features"))
    out = cache / f"out{len(list(cache.iterdir()))}"
    result = bakeoff.compare("digits", [MODEL | model], recipe=RECIPE | recipe, out=out, **(STUDY | study))
    (run,) = result.runs
    assert run.state == "finished", run.error
    assert run.cost.cached_features
    return len(set(cache.rglob("*.features")) - before)


@pytest.mark.parametrize(
    ("model", "recipe", "study"),
    [
        pytest.param({}, {"normalize": "tf"}, {}, id="normalization"),
        pytest.param({"name": "doubling"}, {}, {}, id="network"),
        pytest.param({"options": {"gain": 2.0}}, {}, {}, id="options"),
        pytest.param({"image_size": 16}, {}, {}, id="size"),
        pytest.param({"pool": "max"}, {}, {}, id="pool"),
        pytest.param({}, {"amp": "bf16"}, {}, id="precision"),
    ],
)
def test_every_setting_of_features_has_its_own_file(
    cache: Path, model: dict[str, Any], recipe: dict[str, Any], study: dict[str, Any]
):
    assert new_files(cache, model, recipe, study) == PARTS


def test_what_changes_nothing_of_the_features_computes_none(cache: Path):
    assert new_files(cache, {"head": [8]}, {"epochs": 2}, {}) == 0
    assert new_files(cache, {}, {}, {"max_train": 50}) > 0, "other images"
