"""`bakeoff data --check` names every image that cannot be read, whatever else is wrong."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from bakeoff.cli.data import data
from bakeoff.errors import DataError

BAD = {
    "empty.png": b"",
    "page.jpg": b"<html>",
    "red\x1b[31m.png": b"\x89PNG",
    **{f"cut{i}.png": b"\x89P" for i in range(9)},
}


@pytest.fixture
def photos(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two classes with 30 good images each and, among those of the first, many that are none."""
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    rng = np.random.default_rng(0)
    for name in ("cats", "dogs"):
        (tmp_path / "photos" / name).mkdir(parents=True)
        for number in range(30):
            Image.fromarray(rng.integers(0, 256, (8, 8, 3), np.uint8)).save(
                tmp_path / "photos" / name / f"{number}.png"
            )
    for name, content in BAD.items():
        (tmp_path / "photos" / "cats" / name).write_bytes(content)
    return tmp_path / "photos"


def check(folder: Path) -> None:
    data(str(folder), None, None, None, None, check=True, skip_bad=False, offline=True)


def listed(capsys: pytest.CaptureFixture[str]) -> list[str]:
    return [line.split("/cats/")[1] for line in capsys.readouterr().out.splitlines() if line.startswith("  /")]


def test_a_check_lists_every_image_that_cannot_be_read(photos: Path, capsys: pytest.CaptureFixture[str]):
    check(photos)
    lines = listed(capsys)
    assert len(lines) == len(BAD)
    assert {line.partition(" ")[0] for line in lines} == {name.replace("\x1b", "\\x1b") for name in BAD}
    assert "page.jpg is a web page" in " ".join(lines)
    assert all(len(line.split()) > 2 for line in lines), "each with its reason"


def test_they_are_listed_where_the_rest_is_no_data_set_too(photos: Path, capsys: pytest.CaptureFixture[str]):
    for number in range(30):
        (photos / "cats" / f"{number}.png").write_bytes(b"")
    with pytest.raises(DataError, match="the class 'cats' has no training images"):
        check(photos)
    assert len(listed(capsys)) == len(BAD) + 30
