"""Layouts of folders as people have them, and one clear sentence for each that is wrong."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from image_files import plain

from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.data.sources import Listing
from bakeoff.data.sources.folder import from_folder
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec

Plant = Callable[..., Path]


def listed(root: Path) -> Listing:
    return from_folder(DataSpec(name=str(root)), Locations())


def refused(root: Path) -> str:
    with pytest.raises(DataError) as refusal:
        load(DataSpec(name=str(root)), Locations(cache=root.parent / "cache"))
    assert "\n" not in str(refusal.value)
    return str(refusal.value)


def values(listing: Listing) -> list[int]:
    return [int(image[0, 0, 0]) for image in listing.pixels.read()]


def test_flat_layout_in_the_order_of_bytes(plant: Plant) -> None:
    root = plant("b/2.png", "b/10.png", "a/x.JPG", "a/sub/deep/y.png", "a/sub.png", "Z/1.png")
    listing = listed(root)
    assert listing.class_names == ("Z", "a", "b")
    assert listing.labels.tolist() == [0, 1, 1, 1, 2, 2]
    assert values(listing) == [5, 4, 3, 2, 1, 0], "sub.png comes before sub/, as '.' comes before '/'"
    assert {part: indices.tolist() for part, indices in listing.parts.items()} == {"train": [0, 1, 2, 3, 4, 5]}


@pytest.mark.parametrize(("train", "val", "test"), [("train", "val", "test"), ("Train", "Validation", "TEST")])
def test_split_layout(plant: Plant, train: str, val: str, test: str) -> None:
    root = plant(*(f"{part}/{name}/{i}.png" for part in (train, val, test) for name in ("cat", "dog") for i in "01"))
    listing = listed(root)
    assert listing.class_names == ("cat", "dog")
    assert {part: indices.tolist() for part, indices in listing.parts.items()} == {
        "train": [0, 1, 2, 3],
        "val": [4, 5, 6, 7],
        "test": [8, 9, 10, 11],
    }
    assert listing.labels.tolist() == [0, 0, 1, 1] * 3
    assert values(listing) == list(range(12))


def test_classes_may_be_called_like_parts(plant: Plant) -> None:
    assert listed(plant("train/1.png", "bus/1.png", name="vehicles")).class_names == ("bus", "train")
    assert listed(plant("valid/1.png", "invalid/1.png", name="tickets")).class_names == ("invalid", "valid")


def test_hidden_and_other_files_are_passed_over(plant: Plant) -> None:
    root = plant("a/1.png", "a/.2.png", "a/.thumbs/3.png", "b/1.png", ".git/x/1.png", "loose.png")
    (root / "a" / "notes.txt").write_text("no image")
    assert len(listed(root).labels) == 2


def test_links_are_followed_and_circles_end(plant: Plant) -> None:
    root = plant("a/1.png", "b/1.png", name="photos")
    plant("2.png", name="elsewhere")
    (root / "a" / "more").symlink_to(root.parent / "elsewhere")
    (root / "a" / "circle").symlink_to(root)
    (root / "a" / "self").symlink_to(root / "a" / "self")
    (root / "b" / "again").symlink_to(root / "b")
    listing = listed(root)
    assert [Path(blob.name).name for blob in listing.pixels._blobs] == ["1.png", "1.png", "2.png", "1.png"]
    assert listing.labels.tolist() == [0, 0, 0, 1], "the circle brings the photos of b into a, each once"


def test_broken_links_are_bad_images_and_pipes_are_none(plant: Plant) -> None:
    root = plant("a/1.png", "b/1.png")
    (root / "a" / "gone.png").symlink_to(root / "nowhere.png")
    os.mkfifo(root / "a" / "pipe.png")
    assert "1 of 3 images cannot be read" in (message := refused(root))
    assert "gone.png cannot be opened (No such file" in message


def test_an_unreadable_folder_is_named(plant: Plant, monkeypatch: pytest.MonkeyPatch) -> None:
    root = plant("a/1.png", "b/1.png")
    scandir = os.scandir

    def guarded(path: Path) -> object:
        if Path(path).name == "b":
            raise PermissionError(13, "Permission denied")
        return scandir(path)

    monkeypatch.setattr(os, "scandir", guarded)
    assert refused(root) == f"{root}/b: the folder cannot be read (Permission denied); change its permissions"


def test_what_is_wrong_with_a_folder(plant: Plant, tmp_path: Path) -> None:
    assert "has no class folder with images (bmp, jfif, jpeg, jpg, png" in refused(plant(name="empty"))
    assert "lie outside of folders" in refused(plant("1.png", "2.png", name="loose"))
    assert "has only the class a" in refused(plant("a/1.png", name="one"))
    (plant("a/1.png", "b/1.png", name="hole") / "c").mkdir()
    assert "the class folder c has no images" in refused(tmp_path / "hole")
    assert "cow only in train, emu only in test" in refused(
        plant("train/ape/1.png", "train/cow/1.png", "test/ape/1.png", "test/emu/1.png", name="differ")
    )
    assert "cow only in train" in refused(plant("train/ape/1.png", "train/cow/1.png", "valid/ape/1.png", name="less"))
    mixed = refused(plant("train/a/1.png", "train/b/1.png", "test/a/1.png", "test/b/1.png", "c/1.png", name="mixed"))
    assert "has both test, train and other folders, c;" in mixed
    assert "val, validation are both for val" in refused(
        plant("train/a/1.png", "val/a/1.png", "validation/a/1.png", name="twice")
    )
    assert "has no folder train" in refused(plant("test/a/1.png", "val/a/1.png", name="trainless"))


def test_the_key_changes_with_any_file(plant: Plant) -> None:
    root = plant("a/1.png", "b/1.png")
    keys = [listed(root).key]
    (root / "a" / "1.png").write_bytes(plain(9, 9, 9))
    keys.append(listed(root).key)
    (root / "a" / "2.png").write_bytes(plain(9))
    keys.append(listed(root).key)
    (root / "b" / "1.png").rename(root / "b" / "0.png")
    keys.append(listed(root).key)
    assert len(set(keys)) == 4
    assert listed(root).key == keys[-1]
