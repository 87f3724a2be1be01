"""The whole comparison on every kind of data that there is, small: from the files to the report."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import bakeoff
from bakeoff.errors import SpecError
from bakeoff.records.run import RunState

CLASSES = ("cat", "dog", "ümläut <b>")
PER_CLASS = 20


def pixels(label: int, number: int) -> np.ndarray:
    """Return an image of a class, in a colour of its own with noise."""
    noise = np.random.default_rng([label, number]).integers(0, 60, (16, 16, 3))
    return (noise + 180 * np.eye(3, dtype=int)[label]).astype(np.uint8)


def write(folder: Path, numbers: range) -> None:
    for label, name in enumerate(CLASSES):
        (folder / name).mkdir(parents=True)
        for number in numbers:
            Image.fromarray(pixels(label, number)).save(folder / name / f"{number}.png")


def flat(tmp_path: Path) -> Path:
    write(tmp_path / "photos", range(PER_CLASS))
    return tmp_path / "photos"


def in_parts(tmp_path: Path) -> Path:
    write(tmp_path / "photos" / "train", range(PER_CLASS - 4))
    write(tmp_path / "photos" / "test", range(PER_CLASS - 4, PER_CLASS))
    return tmp_path / "photos"


def as_arrays(tmp_path: Path) -> Path:
    images = np.stack([pixels(label, number) for label in range(3) for number in range(PER_CLASS)])
    labels, test = np.repeat(np.arange(3), PER_CLASS), np.arange(3 * PER_CLASS) % PER_CLASS >= PER_CLASS - 4
    file = tmp_path / "images.npz"
    np.savez(file, x_train=images[~test], y_train=labels[~test], x_test=images[test], y_test=labels[test])
    return file


@pytest.mark.parametrize("files", [flat, in_parts, as_arrays])
def test_files_of_a_user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, files: Callable[[Path], Path]):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    settings = {"seeds": 2, "epochs": 8, "batch_size": 8, "offline": True, "device": "cpu"}
    result = bakeoff.compare(files(tmp_path), "lenet5,simcnn", out=tmp_path / "out", **settings)
    assert {run.state for run in result.runs} == {RunState.FINISHED}
    assert all(len(result.predictions(run).labels) == 12 for run in result.runs)
    assert result.leaderboard().test_accuracy_mean.min() > 0.8, "three colours are easy"
    page = result.report().read_text()
    if files is not as_arrays:
        assert "ümläut &lt;b&gt;" in page
        assert "ümläut <b>" not in page


def test_data_is_a_name_a_path_or_fields(tmp_path: Path):
    for wrong in (7, np.zeros((3, 8, 8)), ["cifar10"]):
        with pytest.raises(SpecError, match="data is a name, a path or a mapping of fields; got "):
            bakeoff.compare(wrong, "lenet5", out=tmp_path / "out")
        with pytest.raises(SpecError, match="data is a name, a path or a mapping of fields; got "):
            bakeoff.check(wrong)


def test_mnist_as_it_is_published(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, real_data: Path, real_cache: Path):
    monkeypatch.setenv("BAKEOFF_CACHE", str(real_cache))
    settings = {"seeds": 1, "epochs": 4, "max_train": 2000, "offline": True, "device": "cpu"}
    result = bakeoff.compare("mnist", "lenet5", data_dir=real_data, out=tmp_path / "out", **settings)
    (run,) = result.runs
    assert len(result.predictions(run).labels) == 10_000
    assert run.metrics["test"]["accuracy"] > 0.8
