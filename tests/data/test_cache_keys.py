"""What is in the cache of images is never taken for what another setting or other files would give."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from image_files import encoded

from bakeoff.data.imageset import ImageSet
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.specs.data import DataSpec

Plant = Callable[..., Path]


def same(one: ImageSet, other: ImageSet) -> bool:
    return one.images.shape == other.images.shape and np.array_equal(one.images, other.images)


@pytest.mark.parametrize(
    "setting", [{"image_size": 6}, {"fit": "squash"}, {"fit": "pad"}, {"image_size": 6, "fit": "pad"}], ids=str
)
def test_every_setting_of_a_cache_has_its_own_entries(
    plant: Plant, where: Locations, tmp_path: Path, setting: dict[str, object]
):
    """A cache that other settings have used gives what an empty one gives."""
    root = plant("a/0.png", "a/1.png", "b/2.png", "b/3.png")
    for number, path in enumerate(sorted(root.rglob("*.png"))):
        gradient = np.add.outer(np.arange(8) * 9, np.arange(20) * 7) + number
        path.write_bytes(encoded(gradient.astype(np.uint8)))
    spec = DataSpec(name=str(root))
    before = load(spec, where)
    changed = spec.model_copy(update=setting)
    found = load(changed, where)
    assert same(found, load(changed, replace(where, cache=tmp_path / "another cache")))
    assert not same(found, before), "the setting changes something, else this test shows nothing"
    assert same(load(spec, where), before)
