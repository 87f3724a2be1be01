"""What tests of several rooms share."""

import os
from pathlib import Path

import pytest

from bakeoff.data.locations import Locations

REPOSITORY = Path(__file__).parent.parent


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
