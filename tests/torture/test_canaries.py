"""Nothing that is read can run code: a canary in every kind of file stays silent."""

import contextlib
import hashlib
import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tally import Tally

from bakeoff import api
from bakeoff.data.cache import decoded
from bakeoff.data.load import find_source, load
from bakeoff.data.locations import Locations
from bakeoff.errors import BakeoffError
from bakeoff.models.keras_files import read_keras
from bakeoff.models.state_dicts import read_state_dict
from bakeoff.specs.data import DataSpec
from bakeoff.specs.files import read_study
from bakeoff.store.folder import RunFolder
from bakeoff.training.checkpoint import Checkpoints


class Canary:
    """Makes a folder when it is unpickled."""

    def __init__(self, sings: Path) -> None:
        self._sings = str(sings)

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (self._sings,)


def weights_file(suffix: str, read: Callable[[Path], object]) -> Callable[[Path, Canary], None]:
    def check(folder: Path, canary: Canary) -> None:
        (folder / f"a{suffix}").write_bytes(pickle.dumps({"weight": canary}))
        read(folder / f"a{suffix}")

    return check


def zipped_torch(folder: Path, canary: Canary) -> None:
    torch.save({"state_dict": {"weight": torch.zeros(1)}, "args": canary}, folder / "a.pt")
    read_state_dict(folder / "a.pt")


def npz(folder: Path, canary: Canary) -> None:
    objects = np.array([canary, canary], dtype=object)
    np.savez(folder / "a.npz", x=np.zeros((2, 8, 8), np.uint8), y=objects, allow_pickle=True)
    load(DataSpec(name=str(folder / "a.npz")), Locations(cache=folder, offline=True))


def npy_called_npz(folder: Path, canary: Canary) -> None:
    np.save(folder / "a", np.array([canary], dtype=object), allow_pickle=True)
    (folder / "a.npy").rename(folder / "b.npz")
    load(DataSpec(name=str(folder / "b.npz")), Locations(cache=folder, offline=True))


def image_cache(folder: Path, canary: Canary) -> None:
    """An entry whose checksums are right, as somebody who can write to the cache would make it."""
    np.savez(folder / "good.npz", x=np.zeros((20, 8, 8), np.uint8), y=np.arange(20) % 2)
    spec, where = DataSpec(name=str(folder / "good.npz")), Locations(cache=folder / "cache", offline=True)
    listing = find_source(spec.name)(spec, where)
    decoded(listing, spec, where.cache)
    (entry,) = (folder / "cache" / "images").iterdir()
    np.savez(entry / "index.npz", labels=np.array([canary], dtype=object), allow_pickle=True)
    files = [path for path in entry.iterdir() if path.name != "SHA256SUMS"]
    sums = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in files]
    (entry / "SHA256SUMS").write_text("".join(sums))
    assert len(decoded(listing, spec, where.cache).labels) == 20, "it is decoded anew"


def parquet_extension(folder: Path, canary: Canary) -> None:
    """Old versions of Arrow unpickled the type of such a column (CVE-2023-47248)."""
    metadata = {b"ARROW:extension:name": b"arrow.py_extension_type", b"ARROW:extension:metadata": pickle.dumps(canary)}
    image = pa.field("image", pa.struct([("bytes", pa.binary())]))
    label = pa.field("label", pa.int64(), metadata=metadata)
    table = pa.table([[{"bytes": b""}] * 2, [0, 1]], schema=pa.schema([image, label]))
    (folder / "mnist").mkdir()
    pq.write_table(table, folder / "mnist" / "train-0.parquet")
    load(DataSpec(name="mnist"), Locations(folder, folder, offline=True))


def study_file(folder: Path, canary: Canary) -> None:
    (folder / "a.yaml").write_text(f"data: !!python/object/apply:os.mkdir ['{canary._sings}']\n")
    read_study(folder / "a.yaml", {})


def study_folder(folder: Path, canary: Canary) -> None:
    (folder / "study.json").write_bytes(pickle.dumps(canary))
    api.load(folder)


def predictions(folder: Path, canary: Canary) -> None:
    (folder / "logits.safetensors").write_bytes(pickle.dumps(canary))
    RunFolder(folder).predictions("test")


def checkpoint(folder: Path, canary: Canary) -> None:
    content = pickle.dumps(canary)
    about = {"run_id": "a", "seconds": 0.0, "state": {}}
    digest = hashlib.sha256(content + json.dumps(about).encode()).hexdigest()
    (folder / "1.safetensors").write_bytes(content)
    (folder / "1.json").write_text(json.dumps({"sha256": digest, **about}))
    assert Checkpoints(folder, "a").load() is None


FILES = {
    **{f"pickle as {suffix}": weights_file(suffix, read_state_dict) for suffix in (".safetensors", ".pth", ".bin")},
    **{f"pickle as {suffix}": weights_file(suffix, read_keras) for suffix in (".h5", ".keras")},
    **{
        check.__name__: check
        for check in (zipped_torch, npz, npy_called_npz, image_cache, parquet_extension, study_file, study_folder)
    },
    **{check.__name__: check for check in (predictions, checkpoint)},
}


@pytest.mark.parametrize("size", ["all", pytest.param("kept", marks=pytest.mark.torture)])
@pytest.mark.filterwarnings("ignore:Detected pickle protocol:UserWarning")
def test_a_canary_stays_silent_in_every_file(size: str, tally: Tally, tmp_path: Path):
    """a pickle that would run code, in every kind of file that is read: never run"""
    for name, check in FILES.items():
        folder = tmp_path / name
        folder.mkdir()
        with contextlib.suppress(BakeoffError):
            check(folder, Canary(folder / "sung"))
        tally.tried += 1
        if (folder / "sung").exists():
            tally.failures.append(name)
