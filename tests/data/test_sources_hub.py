"""The hub's data sets: from a folder, the client's cache, or a server that stands in for the hub on this machine."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.errors import DataError, OfflineError
from bakeoff.specs.data import DataSpec
from hub_server import COMMIT, Hub, running_hub

Table = Callable[..., Path]

# A process of its own, as the client reads its environment when it is imported.
CLIENT = """
import json, sys
from pathlib import Path
from bakeoff import patience
from huggingface_hub import constants
constants.DOWNLOAD_CHUNK_SIZE = 256  # so that small files come in pieces, as large ones do
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.errors import BakeoffError
from bakeoff.specs.data import DataSpec
for name in sys.argv[2:]:
    waited = []
    patience.sleep = waited.append
    try:
        images = load(DataSpec(name=name), Locations(cache=Path(sys.argv[1])))
        answer = {"labels": images.labels.tolist(), "provenance": images.provenance}
    except BakeoffError as error:
        answer = {"error": type(error).__name__, "message": str(error)}
    print(json.dumps({**answer, "waited": waited}))
"""


@pytest.fixture
def hub() -> Iterator[Hub]:
    with running_hub() as server:
        yield server


@pytest.fixture
def client(tmp_path: Path, hub: Hub) -> Callable[..., list[dict[str, Any]]]:
    """Load data sets by name in a process that takes `hub` for the hub, and return what came of each."""

    def run(*names: str, **environment: str) -> list[dict[str, Any]]:
        kept = {name: value for name, value in os.environ.items() if not name.upper().endswith(("_PROXY", "HF_TOKEN"))}
        settings = {
            "HF_ENDPOINT": f"http://127.0.0.1:{hub.server_port}",
            "HF_HOME": str(tmp_path / "hf"),
            "NO_PROXY": "*",
        }
        done = subprocess.run(
            [sys.executable, "-c", CLIENT, str(tmp_path / "cache"), *names],
            env={**kept, **settings, **environment},
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]

    return run


@pytest.fixture
def files(table: Table, tmp_path: Path) -> dict[str, bytes]:
    """A repository with a training part in two files and a test part."""
    names = ["ape", "cow"]
    made = {
        "plain_text/train-00000-of-00002.parquet": table(tmp_path / "made" / "0.parquet", [0, 1], names=names),
        "plain_text/train-00001-of-00002.parquet": table(tmp_path / "made" / "1.parquet", [1, 1], names=names),
        "plain_text/test-00000-of-00001.parquet": table(tmp_path / "made" / "2.parquet", [1, 0], names=names),
    }
    return {"README.md": b"about", **{name: path.read_bytes() for name, path in made.items()}}


def test_downloaded_once_and_then_never_asked_for(
    hub: Hub, client: Any, files: dict[str, bytes], tmp_path: Path
) -> None:
    hub.repos["uoft-cs/cifar10"] = {**files, "plain_text/unlabelled-00000-of-00001.parquet": b"not to be fetched"}
    (first,) = client("cifar10")
    assert first["labels"] == [0, 1, 1, 1, 1, 0]
    assert first["provenance"]["id"] == "uoft-cs/cifar10"
    assert (first["provenance"]["revision"], first["provenance"]["commit"]) == ("main", COMMIT)
    fetched = {request.rpartition("/")[2] for request in hub.requests if request.startswith("GET /datasets/")}
    assert fetched == {name.rpartition("/")[2] for name in files if name.endswith(".parquet")}
    hub.requests.clear()
    assert client("cifar10") == [first]
    assert hub.requests == []
    assert (tmp_path / "hf" / "hub" / "datasets--uoft-cs--cifar10").is_dir(), "the client's own cache"


def test_a_download_that_broke_off_is_completed(hub: Hub, client: Any, files: dict[str, bytes]) -> None:
    hub.repos["some/animals"] = files
    hub.forbidden = {"plain_text/test-00000-of-00001.parquet"}
    (broken,) = client("some/animals")
    assert broken["error"] == "OfflineError"
    assert "test-00000-of-00001.parquet" in broken["message"]
    hub.forbidden.clear()
    assert client("some/animals")[0]["labels"] == [0, 1, 1, 1, 1, 0]


def test_what_the_hub_may_answer(hub: Hub, client: Any, files: dict[str, bytes]) -> None:
    train = files["plain_text/train-00000-of-00002.parquet"]
    hub.repos["a/pictures"] = {"README.md": b"", "cat.jpg": b""}
    hub.repos["a/several"] = {"x/train-0.parquet": train, "y/train-0.parquet": train}
    hub.repos["a/damaged"] = {"train-0.parquet": train[:-50]}
    hub.repos["a/converted"] = {"default/train/0000.parquet": train}
    missing, pictures, several, damaged, converted = client(
        "no/such", "a/pictures", "a/several", "a/damaged", "a/converted@refs/convert/parquet"
    )
    assert missing["error"] == "DataError"
    assert "/datasets/no/such/tree/main, or it may not be read from here; check the name" in missing["message"]
    assert "HF_TOKEN" in missing["message"]
    assert "has no parquet files; try a/pictures@refs/convert/parquet" in pictures["message"]
    assert "several configurations (x, y)" in several["message"]
    assert "train-0.parquet: is not a readable parquet file" in damaged["message"]
    assert converted["labels"] == [0, 1]
    assert converted["provenance"]["revision"] == "refs/convert/parquet"


def test_no_network_is_one_sentence(client: Any) -> None:
    (answer,) = client("cifar10", HF_ENDPOINT="http://127.0.0.1:9")
    assert answer["error"] == "OfflineError"
    assert "cifar10 is not on this machine and could not be downloaded (" in answer["message"]
    assert "refused" in answer["message"]
    assert "from http://127.0.0.1:9/datasets/uoft-cs/cifar10/tree/main" in answer["message"]
    assert "put the files into DIR/cifar10/ and give --data-dir DIR" in answer["message"]
    assert "\n" not in answer["message"]


@pytest.fixture
def nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Forbid the client to look at the user's own cache."""
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path / "hub"))


@pytest.mark.usefixtures("nowhere")
@pytest.mark.parametrize("by_environment", [False, True])
def test_offline_names_the_files_and_the_way_to_bring_them(
    where: Locations, monkeypatch: pytest.MonkeyPatch, by_environment: bool
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", by_environment)
    with pytest.raises(OfflineError, match="downloading is switched off") as refusal:
        load(DataSpec(name="fashion-mnist"), replace(where, offline=not by_environment))
    for part in (
        "train-*.parquet",
        "/datasets/zalando-datasets/fashion_mnist/",
        "DIR/fashion-mnist/",
        "--data-dir DIR",
    ):
        assert part in str(refusal.value)


@pytest.mark.parametrize("place", ["cifar10", "uoft-cs/cifar10", "cifar10/plain_text"])
def test_a_data_folder_comes_first(table: Table, tmp_path: Path, where: Locations, place: str) -> None:
    folder = table(tmp_path / "data" / place / "train-0.parquet", [0, 1]).parent
    given = [tmp_path / "data"] + ([folder] if place.endswith("cifar10") else [])
    for data_dir in given:
        images = load(DataSpec(name="cifar10"), Locations(data_dir, where.cache, offline=True))
        assert images.labels.tolist() == [0, 1]


def test_a_data_folder_of_a_hub_name(table: Table, tmp_path: Path, where: Locations) -> None:
    table(tmp_path / "data" / "some" / "animals" / "train-0.parquet", [0, 1])
    images = load(DataSpec(name="some/animals"), Locations(tmp_path / "data", where.cache, offline=True))
    assert images.provenance["id"] == "some/animals"


@pytest.mark.usefixtures("nowhere")
def test_a_data_folder_is_not_taken_for_another_data_set(table: Table, tmp_path: Path, where: Locations) -> None:
    folder = table(tmp_path / "mnist" / "train-0.parquet", [0, 1]).parent
    for name, data_dir in (("cifar10", folder), ("cifar10", tmp_path), ("someone/mnist", tmp_path)):
        with pytest.raises(OfflineError, match=f"^{name} is not on this machine"):
            load(DataSpec(name=name), Locations(data_dir, where.cache, offline=True))


def test_a_data_folder_may_not_be_wrong_or_incomplete(table: Table, tmp_path: Path, where: Locations) -> None:
    with pytest.raises(DataError, match="none: no such folder"):
        load(DataSpec(name="cifar10"), Locations(tmp_path / "none", where.cache, offline=True))
    table(tmp_path / "cifar10" / "train-00000-of-00003.parquet", [0, 1])
    with pytest.raises(DataError, match=r"train-00001-of-00003\.parquet is missing"):
        load(DataSpec(name="cifar10"), Locations(tmp_path, where.cache, offline=True))


def test_fine_labels_of_cifar100(table: Table, tmp_path: Path, where: Locations) -> None:
    table(tmp_path / "cifar100" / "train-0.parquet", [1, 0], columns=("img", "fine_label"), label=[0, 0])
    assert load(DataSpec(name="cifar100"), Locations(tmp_path, where.cache, offline=True)).labels.tolist() == [1, 0]
