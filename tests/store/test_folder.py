"""A study's folder: whose it is, and what a run leaves in it."""

from pathlib import Path

import numpy as np
import pytest

from bakeoff.errors import StoreError
from bakeoff.store.folder import Predictions, RunFolder, StudyFolder

ABOUT = {
    "study_id": "x",
    "identity": {"data": {"name": "a"}, "overrides": {"recipe.epochs": 3}},
    "study": {"data": {"name": "a"}, "models": ["lenet5"]},
    "data": {
        "class_names": ["a", "b"],
        "shape": [9, 8, 8, 1],
        "fingerprint": "f",
        "provenance": {},
        "parts": {"train": 5, "val": 1, "test": 3},
        "split": "s",
    },
    "data_dir": None,
    "database": None,
    "command": "",
    "more": 1,
}


def test_a_folder_belongs_to_one_study(tmp_path: Path):
    folder = StudyFolder(tmp_path / "out")
    folder.claim(ABOUT)
    folder.claim({**ABOUT, "more": 2})
    assert folder.read()["more"] == 2
    other = {**ABOUT, "identity": {"data": {"name": "b"}, "overrides": {"recipe.epochs": 4}, "split": 64 * "0"}}
    told = 'data.name is "a" there and "b" here; overrides.recipe.epochs is 3 there and 4 here; split is not set there'
    with pytest.raises(StoreError, match=told + " and 000000000000… here;"):
        folder.claim(other)
    assert folder.read()["more"] == 2


def test_a_folder_of_other_things_is_left_alone(tmp_path: Path):
    (tmp_path / "thesis.tex").write_text("…")
    with pytest.raises(StoreError, match="is not empty and holds no study; give another folder"):
        StudyFolder(tmp_path).claim(ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


@pytest.mark.parametrize("content", [b"{", b"[1]", b"\xff"])
def test_a_damaged_study_file_is_one_sentence(tmp_path: Path, content: bytes):
    (tmp_path / "study.json").write_bytes(content)
    with pytest.raises(StoreError, match="study.json"):
        StudyFolder(tmp_path).read()


def test_a_path_that_is_a_file_is_one_sentence(tmp_path: Path):
    path = tmp_path / "file"
    path.write_text("")
    with pytest.raises(StoreError, match="give another folder"):
        StudyFolder(path).claim(ABOUT)


def test_predictions_come_back_as_they_were(tmp_path: Path):
    folder = RunFolder(tmp_path)
    test = Predictions(np.array([4, 2]), np.array([0, 1]), np.array([[1.5, np.nan], [0, 1]], np.float32))
    flipped = Predictions(test.indices, test.labels, test.logits, test.logits + 1)
    folder.write_predictions({"test": test, "val": flipped})
    found = folder.predictions("test")
    for field in ("indices", "labels", "logits"):
        np.testing.assert_array_equal(getattr(found, field), getattr(test, field))
    assert found.averaged is None
    assert found.judged is found.logits
    np.testing.assert_array_equal(folder.predictions("val").judged, test.logits + 1)
    with pytest.raises(StoreError, match="no predictions for the part 'train'"):
        folder.predictions("train")


def test_damaged_predictions_are_one_sentence(tmp_path: Path):
    (tmp_path / "logits.safetensors").write_bytes(b"\xff" * 100)
    with pytest.raises(StoreError, match="cannot be read"):
        RunFolder(tmp_path).predictions("test")


def test_a_folder_in_which_a_study_was_killed_at_once_is_still_its_own(tmp_path: Path):
    (tmp_path / "study.json.partial").write_text('{"identity": ')
    StudyFolder(tmp_path).claim(ABOUT)
    assert [path.name for path in tmp_path.iterdir()] == ["study.json"]
