"""What tests of several rooms share."""

import io
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import settings
from PIL import Image

from bakeoff.data.locations import Locations

REPOSITORY = Path(__file__).parent.parent

# An example may take its time: on a busy machine that says nothing of what is tested.
settings.register_profile("busy machine", deadline=None)
settings.load_profile("busy machine")


@pytest.fixture(scope="session", autouse=True)
def no_cache_of_the_users(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keep what tests cache, and their looks at test images, out of the cache of whoever runs them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("BAKEOFF_CACHE", str(tmp_path_factory.mktemp("cache")))
        yield


@pytest.fixture
def where(tmp_path: Path) -> Locations:
    """Places of a test's own, without the network."""
    return Locations(cache=tmp_path / "cache", offline=True)


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder with cifar10/*.parquet and mnist/*.parquet; tests that need it are skipped without."""
    folder = Path(os.environ.get("BAKEOFF_TEST_DATA") or REPOSITORY.parent / "shared" / "data")
    if not (folder / "cifar10").is_dir() or not (folder / "mnist").is_dir():
        pytest.skip(f"no cifar10/ and mnist/ in {folder}; name a folder that has them with BAKEOFF_TEST_DATA")
    return folder


@pytest.fixture(scope="session")
def real_cache(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Path:
    """A cache for real data of all processes of a session: who needs what another has decoded does not do so again."""
    own = tmp_path_factory.getbasetemp()
    return (own.parent if hasattr(request.config, "workerinput") else own) / "real-cache"


@pytest.fixture(scope="session")
def tiny_data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a stand-in for cifar10 in the hub's layout: 200 training and 40 test images, ten shades."""
    folder = tmp_path_factory.mktemp("tiny")
    (folder / "cifar10").mkdir()
    generator = np.random.default_rng(0)
    for part, count in (("train", 200), ("test", 40)):
        labels = [row % 10 for row in range(count)]
        pixels = [generator.integers(0, 100, (32, 32, 3)) + 15 * label for label in labels]
        images = pa.array([{"bytes": _png(one), "path": None} for one in pixels])
        pq.write_table(
            pa.table({"img": images, "label": labels}), folder / "cifar10" / f"{part}-00000-of-00001.parquet"
        )
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium without a window, by its path in CHROMIUM or as `chromium` on the PATH.

    Tests are skipped without it, or fail where BAKEOFF_BROWSER is set.
    """
    playwright = pytest.importorskip("playwright.sync_api")
    path = shutil.which(os.environ.get("CHROMIUM") or "chromium")
    if not path:
        if os.environ.get("BAKEOFF_BROWSER"):
            pytest.fail("no Chromium, which BAKEOFF_BROWSER demands; install it, or name it with CHROMIUM")
        pytest.skip("no Chromium; install it, or name it with CHROMIUM")
    flags = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run"]
    with playwright.sync_playwright() as running:
        found = running.chromium.launch(executable_path=path, args=flags, timeout=120_000)
        yield found
        found.close()


def _png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels.astype(np.uint8)).save(buffer, "PNG")
    return buffer.getvalue()
