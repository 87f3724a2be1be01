"""A folder of studies that were really trained, in a few seconds."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
from served import over
from starlette.testclient import TestClient

import bakeoff
from bakeoff.app.places import find_places

HOSTILE = "</script><img src=x onerror='window.hit=1'>"


@pytest.fixture(autouse=True)
def unhurried(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the first page read all studies before it is shown, on a busy machine too."""
    monkeypatch.setattr("bakeoff.app.pages.overview.BUDGET", 600.0)


@pytest.fixture(scope="session")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Folders of three studies: of digits, of digits with another number of epochs, and one with hostile names."""
    root = tmp_path_factory.mktemp("trained")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAKEOFF_CACHE", str(root / ".cache"))
        settings = {"batch_size": 64, "offline": True, "device": "cpu"}
        bakeoff.compare("digits", ["lenet5", "simcnn"], seeds=2, epochs=1, out=root / "small", **settings)
        bakeoff.compare("digits", ["lenet5"], seeds=2, epochs=2, out=root / "deep" / "longer", **settings)
        images = np.random.default_rng(0).integers(0, 255, (90, 8, 8, 3), np.uint8)
        labels = np.arange(90) % 3
        split = {"x_train": images[:60], "y_train": labels[:60], "x_test": images[60:], "y_test": labels[60:]}
        np.savez(root / "images.npz", **split, class_names=np.array([HOSTILE, "$x$ %{y}", "[red]"]))
        model = {"name": "lenet5", "label": HOSTILE}
        out = root / "<b>hostile"
        bakeoff.compare(str(root / "images.npz"), [model], seeds=1, epochs=1, batch_size=16, offline=True, out=out)
        yield root


@pytest.fixture
def root(trained: Path, tmp_path: Path) -> Path:
    """A copy of them that a test may change."""
    for name in ("small", "deep", "<b>hostile"):
        shutil.copytree(trained / name, tmp_path / "studies" / name)
    return tmp_path / "studies"


@pytest.fixture
def key() -> Callable[[Path, str], str]:
    """Return the key of a study by its name."""
    return lambda root, name: next(place.key for place in find_places(root.resolve()) if place.name == name)


@pytest.fixture(scope="session")
def client(trained: Path) -> TestClient:
    """The page over the trained studies, which tests do not change."""
    return over(trained)
