"""Finding studies, and nothing outside the folder."""

import os
from pathlib import Path

import pytest

from bakeoff.app import places
from bakeoff.app.places import find_places, inside
from bakeoff.errors import StoreError


def study(folder: Path) -> Path:
    folder.mkdir(parents=True)
    (folder / "study.json").write_text("{}")
    return folder


def names(root: Path) -> list[str]:
    return [place.name for place in find_places(root)]


def test_the_nearest_come_first_and_studies_are_not_looked_into(tmp_path: Path):
    for path in ("b/c", "a", "a/runs/x", ".hidden/x", "b/d/e"):
        study(tmp_path / path)
    assert names(tmp_path) == ["a", "b/c", "b/d/e"]


def test_the_confirmation_of_a_study_is_one_too(tmp_path: Path):
    study(tmp_path / "tuned")
    study(tmp_path / "tuned" / "confirm")
    assert names(tmp_path) == ["tuned", "tuned/confirm"]


def test_the_folder_itself_may_be_a_study(tmp_path: Path):
    assert names(study(tmp_path / "one")) == ["one"]


def test_links_are_not_followed(tmp_path: Path):
    outside = study(tmp_path / "outside" / "secret").parent
    root = tmp_path / "root"
    study(root / "a")
    (root / "b").mkdir()
    (root / "b" / "loop").symlink_to(root)
    (root / "b" / "out").symlink_to(outside)
    (root / "b" / "self").symlink_to("self")
    assert names(root) == ["a"]


def test_depth_and_numbers_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    study(tmp_path / "/".join("x" * places.DEPTH))
    study(tmp_path / "/".join("y" * (places.DEPTH + 1)))
    assert names(tmp_path) == ["/".join("x" * places.DEPTH)]
    for number in range(5):
        study(tmp_path / f"study {number}")
    monkeypatch.setattr(places, "STUDIES", 3)
    assert names(tmp_path) == ["study 0", "study 1", "study 2"]
    monkeypatch.setattr(places, "FOLDERS", 2)
    assert names(tmp_path) == ["study 0"]


def test_names_that_are_no_text_can_be_shown_and_told_apart(tmp_path: Path):
    for name in (b"\xff", b"\xfe"):
        study(Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name)))
    found = list(find_places(tmp_path))
    assert [place.name for place in found] == ["\N{REPLACEMENT CHARACTER}"] * 2
    assert len({place.key for place in found}) == 2


def test_a_link_out_of_the_folder_is_refused(tmp_path: Path):
    root = tmp_path.resolve() / "root"
    root.mkdir()
    (tmp_path / "secret").write_text("x")
    (root / "link").symlink_to(tmp_path / "secret")
    (root / "fine").symlink_to(root / "other")
    assert inside(root, root / "fine") == root / "fine"
    for path in (root / "link", root / ".." / "secret"):
        with pytest.raises(StoreError, match="out of the folder"):
            inside(root, path)
