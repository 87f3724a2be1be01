"""How a name becomes a data set, and what every data set is held to."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from bakeoff.data.imageset import ImageSet, fingerprint
from bakeoff.data.load import find_source, load
from bakeoff.data.locations import Locations
from bakeoff.data.sources import sources
from bakeoff.data.sources.folder import from_folder
from bakeoff.data.sources.hub import from_hub
from bakeoff.data.sources.npz import from_npz
from bakeoff.errors import DataError, UnknownNameError
from bakeoff.specs.data import DataSpec


def test_names_are_resolved_in_order(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    for folder in ("cifar10", "some/animals", "folder.npz"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "data.npz").touch()
    (tmp_path / "DATA.NPZ").touch()
    (tmp_path / "some" / "data.npz").touch()
    assert find_source("cifar10") is sources.get("cifar10"), "a registered name wins over a folder"
    assert find_source("./cifar10") is from_folder
    assert find_source("some/animals") is from_folder
    assert find_source("~/some/animals") is from_folder
    assert find_source("folder.npz") is from_folder
    for name in ("data.npz", "DATA.NPZ", "some/data.npz", str(tmp_path / "data.npz")):
        assert find_source(name) is from_npz
    for name in ("other/animals", "other/animals@v1.0", "other/animals@refs/convert/parquet"):
        assert find_source(name) is from_hub


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("./photos", "no such file or folder"),
        ("~/photos", "no such file or folder"),
        ("/no/where/photos", "no such file or folder"),
        ("a/b/photos", "no such file or folder"),
        ("some/data.npz", "no such file or folder"),
        (__file__, "is neither a folder nor an .npz file"),
    ],
)
def test_paths_that_lead_nowhere(name: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        find_source(name)


def test_a_misspelt_name_has_suggestions() -> None:
    with pytest.raises(UnknownNameError, match="unknown data set 'cifra10'; did you mean cifar10"):
        find_source("cifra10")


def test_a_path_that_is_mistyped_is_a_path_and_not_a_name_on_the_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "photos" / "train").mkdir(parents=True)
    (tmp_path / "data.npz").touch()
    monkeypatch.chdir(tmp_path)
    for name, near in (
        ("./photoz", "photos"),
        ("photos/trian", "photos/train"),
        ("date.npz", "data.npz"),
        (f"{tmp_path}/photoz/train", f"{tmp_path}/photos"),
    ):
        with pytest.raises(DataError, match=f"^{name}: no such file or folder; did you mean {near}[?]"):
            find_source(name)
    with pytest.raises(DataError, match="no such file or folder; there is no val in .*/photos"):
        find_source("photos/val")
    with pytest.raises(UnknownNameError, match="did you mean photos[?]"):
        find_source("photoz")
    with pytest.raises(DataError, match="^owner/train is not on this machine, neither as a folder nor from the hub,"):
        load(DataSpec(name="owner/train"), Locations(cache=tmp_path / "cache", offline=True))


def test_every_registered_name_is_documented_here() -> None:
    assert list(sources) == ["cifar10", "cifar100", "digits", "fashion-mnist", "mnist"]


def check(images: ImageSet) -> None:
    """What every data set keeps to."""
    count = len(images.labels)
    assert images.images.shape[0] == count
    assert images.images.dtype == np.uint8
    assert images.labels.dtype == np.int64
    assert images.channels in (1, 3)
    assert set(images.labels) == set(range(images.num_classes))
    assert np.array_equal(np.sort(np.concatenate(list(images.parts.values()))), np.arange(count))
    assert images.provenance["source"]
    assert images.provenance["skipped"] == []
    assert images.fingerprint == fingerprint(images.images, images.labels, images.class_names, images.parts)


def test_digits(where: Locations) -> None:
    images = load(DataSpec(name="digits"), where)
    check(images)
    assert images.images.shape == (1797, 8, 8, 1)
    assert list(images.parts) == ["train"]
    assert images.images[0, 0, :, 0].tolist() == [0, 0, 80, 207, 143, 16, 0, 0]  # 0 0 5 13 9 1 0 0, times 255 / 16
    assert images.images.max() == 255
    assert images.fingerprint.startswith("775a18d82ee93296"), "the same on every machine"
    assert load(DataSpec(name="digits", image_size=32), where).images.shape == (1797, 32, 32, 1)


def test_a_spec_with_a_fingerprint_takes_no_other_images(where: Locations) -> None:
    spec = DataSpec(name="digits")
    known = load(spec, where).fingerprint
    assert load(spec.model_copy(update={"fingerprint": known}), where).fingerprint == known
    with pytest.raises(DataError, match="digits: the images have the fingerprint 775a18d82ee9"):
        load(spec.model_copy(update={"fingerprint": "0" * 64}), where)


def test_the_fingerprint_is_that_of_the_content_not_of_the_place(plant: Callable[..., Path], tmp_path: Path) -> None:
    here, there = plant("a/1.png", "b/1.png", name="here"), plant("a/x.png", "b/y.png", name="there")
    where = Locations(cache=tmp_path / "cache")
    images = load(DataSpec(name=str(here)), where)
    assert load(DataSpec(name=str(there)), replace(where, cache=tmp_path / "other")).fingerprint == images.fingerprint


@pytest.mark.parametrize(
    ("name", "shape", "train", "test"),
    [("cifar10", (60000, 32, 32, 3), 50000, 10000), ("mnist", (70000, 28, 28, 1), 60000, 10000)],
)
def test_real_data(real_data: Path, real_cache: Path, name: str, shape: tuple[int, ...], train: int, test: int) -> None:
    images = load(DataSpec(name=name), Locations(real_data, real_cache, offline=True))
    check(images)
    assert images.images.shape == shape
    assert {part: len(indices) for part, indices in images.parts.items()} == {"train": train, "test": test}
    if name == "cifar10":
        values = np.arange(256) / 255
        counts = [np.bincount(images.images[:train, ..., channel].ravel(), minlength=256) for channel in range(3)]
        means = [np.average(values, weights=count) for count in counts]
        squares = [np.average(values**2, weights=count) for count in counts]
        assert means == pytest.approx([0.49140, 0.48216, 0.44653], abs=1e-5)
        assert np.sqrt(np.array(squares) - np.square(means)) == pytest.approx([0.24703, 0.24349, 0.26159], abs=1e-5)
        assert np.bincount(images.labels[images.parts["train"]]).tolist() == [5000] * 10
        assert images.class_names[:3] == ("airplane", "automobile", "bird")


def test_only_some_classes(where: Locations):
    whole = load(DataSpec(name="digits"), where)
    few = load(DataSpec(name="digits", classes=("7", "1")), where)
    assert few.class_names == ("1", "7")
    rows = np.flatnonzero(np.isin(whole.labels, (1, 7)))
    assert np.array_equal(few.images, whole.images[rows])
    assert np.array_equal(few.labels, (whole.labels[rows] == 7).astype(np.int64))
    assert few.fingerprint != whole.fingerprint
    for part, indices in few.parts.items():
        given = {int(np.flatnonzero(rows == row)[0]) for row in whole.parts[part] if row in rows}
        assert set(indices.tolist()) == given
    with pytest.raises(UnknownNameError, match="seven"):
        load(DataSpec(name="digits", classes=("1", "seven")), where)
