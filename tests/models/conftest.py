"""Keras, and real weights."""

import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import pytest

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def keras(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModuleType]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("KERAS_BACKEND", "torch")
        patch.setenv("KERAS_HOME", str(tmp_path_factory.mktemp("keras")))
        yield pytest.importorskip("keras")


@pytest.fixture(scope="session")
def real_weights() -> Path:
    """The folder with ImageNet weights of Keras's MobileNet; tests that need it are skipped without."""
    folder = Path(os.environ.get("BAKEOFF_TEST_WEIGHTS") or REPOSITORY.parent / "shared" / "weights")
    if not (folder / "mobilenet_2_5_224_tf_no_top.h5").is_file():
        pytest.skip(f"no weights of MobileNet in {folder}; name a folder that has them with BAKEOFF_TEST_WEIGHTS")
    return folder
