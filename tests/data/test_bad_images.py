"""Unreadable images stop a comparison with a list of them, or are left out and reported."""

from collections.abc import Callable
from pathlib import Path

import pytest

from bakeoff.data.imageset import ImageSet
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.data.pixels import EncodedPixels
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec

Plant = Callable[..., Path]


def loaded(root: Path, where: Locations, **spec: object) -> ImageSet:
    return load(DataSpec.parse({"name": str(root), **spec}), where)


def test_they_stop_or_are_skipped(plant: Plant, where: Locations, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant("a/0.png", "a/1.png", "b/2.png", "b/3.png")
    (root / "a" / "0.png").write_bytes(b"<html>")
    for name in "456789":
        (root / "b" / f"{name}.png").touch()
    with pytest.raises(DataError) as refusal:
        loaded(root, where)
    message = str(refusal.value)
    assert message.startswith(f"7 of 10 images cannot be read: {root}/a/0.png is a web page")
    assert message.count(".png is") == 5
    assert "; ...; mend or remove them, or leave them out with --skip-bad; bakeoff data --check lists all" in message
    monkeypatch.delattr(EncodedPixels, "read")  # they are known from the first time
    images = loaded(root, where, skip_bad=True)
    assert images.images[:, 0, 0, 0].tolist() == [1, 2, 3]
    assert images.labels.tolist() == [0, 1, 1]
    assert images.parts["train"].tolist() == [0, 1, 2]
    assert [skipped["name"] for skipped in images.provenance["skipped"]][:2] == [f"{root}/a/0.png", f"{root}/b/4.png"]


def test_parts_are_renumbered_around_skipped_images(plant: Plant, where: Locations) -> None:
    names = [f"{part}/{name}/{i}.png" for part in ("train", "val", "test") for name in "ab" for i in "01"]
    root = plant(*names)
    for name in ("train/b/0.png", "val/a/1.png", "test/b/1.png"):
        (root / name).write_bytes(b"")
    images = loaded(root, where, skip_bad=True)
    values = images.images[:, 0, 0, 0]
    assert {part: values[indices].tolist() for part, indices in images.parts.items()} == {
        "train": [0, 1, 3],
        "val": [4, 6, 7],
        "test": [8, 9, 10],
    }
    assert images.labels.tolist() == [0, 0, 1, 0, 1, 1, 0, 0, 1]


def test_skipping_may_not_empty_a_class_or_all(plant: Plant, where: Locations) -> None:
    root = plant("a/0.png", "a/1.png", "b/2.png", "b/3.png")
    for name in "01":
        (root / "a" / f"{name}.png").write_bytes(b"")
    with pytest.raises(DataError, match="without the 2 unreadable images: the class 'a' has no training images"):
        loaded(root, where, skip_bad=True)
    for name in "23":
        path = root / "b" / f"{name}.png"
        path.write_bytes(path.read_bytes()[:50])
    with pytest.raises(DataError, match="none of the"):
        loaded(root, where, skip_bad=True)
