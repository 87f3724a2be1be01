"""An entry of the cache is right or is made anew, whatever happened to it, to its writer or to its disk."""

import errno
import logging
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections import namedtuple
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.data import cache, entry
from bakeoff.data.imageset import ImageSet, fingerprint
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.data.pixels import EncodedPixels
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec

Plant = Callable[..., Path]


@pytest.fixture
def root(plant: Plant) -> Path:
    """Four images of the values 0 to 3, two in each of two classes."""
    return plant("a/0.png", "a/1.png", "b/2.png", "b/3.png")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The number of times that images were decoded, one entry each."""
    calls: list[int] = []
    original = EncodedPixels.read
    monkeypatch.setattr(EncodedPixels, "read", lambda pixels: calls.append(1) or original(pixels))
    return calls


def loaded(root: Path, where: Locations, **spec: object) -> ImageSet:
    return load(DataSpec.parse({"name": str(root), **spec}), where)


def entries(where: Locations) -> list[Path]:
    return list((where.cache / "images").iterdir())


def right(images: ImageSet) -> bool:
    return images.images[:, 0, 0, 0].tolist() == [0, 1, 2, 3] and images.labels.tolist() == [0, 0, 1, 1]


def test_decoded_once_and_mapped_thereafter(root: Path, where: Locations, reads: list[int]) -> None:
    first, second = loaded(root, where), loaded(root, where)
    assert len(reads) == 1
    assert right(first)
    assert right(second)
    assert isinstance(second.images.base, np.memmap)
    assert second.fingerprint == fingerprint(second.images, second.labels, second.class_names, second.parts)
    assert second.fingerprint == first.fingerprint
    assert dict(second.provenance) == dict(first.provenance)
    assert dict(second.provenance) == {
        "source": "folder",
        "path": str(root),
        "resized": "no, all are 8x8",
        "skipped": [],
    }
    for array in (second.images, second.labels, second.parts["train"]):
        assert not array.flags.writeable


def test_a_change_of_files_or_of_the_spec_decodes_anew(root: Path, where: Locations, reads: list[int]) -> None:
    fingerprints = {loaded(root, where).fingerprint, loaded(root, where, image_size=16).fingerprint}
    (root / "a" / "0.png").write_bytes((root / "b" / "3.png").read_bytes())
    fingerprints.add(loaded(root, where).fingerprint)
    assert len(fingerprints) == len(reads) == 3


def damage(kind: str, path: Path) -> None:
    content = bytearray(path.read_bytes())
    if kind == "gone":
        path.unlink()
        return
    content[len(content) // 2] ^= 1
    path.write_bytes({"flipped": content, "truncated": content[:-1], "empty": b""}[kind])


@pytest.mark.parametrize("kind", ["flipped", "truncated", "empty", "gone"])
@pytest.mark.parametrize("name", [cache.IMAGES, cache.INDEX, cache.META, entry.SUMS])
def test_a_damaged_entry_is_made_anew(
    root: Path, where: Locations, reads: list[int], caplog: pytest.LogCaptureFixture, name: str, kind: str
) -> None:
    loaded(root, where)
    damage(kind, entries(where)[0] / name)
    assert right(loaded(root, where))
    assert len(reads) == 2
    assert "damaged" in caplog.text
    assert right(loaded(root, where))
    assert len(reads) == 2
    assert len(entries(where)) == 1


def test_an_entry_of_another_format_is_made_anew(
    root: Path, where: Locations, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cache, "FORMAT", 0)
    loaded(root, where)
    monkeypatch.undo()
    assert right(loaded(root, where))
    assert right(loaded(root, where))
    assert len(entries(where)) == 1


KILLED = """
import os, sys
from pathlib import Path
from bakeoff.data import cache
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.specs.data import DataSpec
cache.fingerprint = lambda *_: os.kill(os.getpid(), 9)
load(DataSpec(name=sys.argv[1]), Locations(cache=Path(sys.argv[2])))
"""


def test_a_killed_writer_leaves_nothing_that_counts(root: Path, where: Locations) -> None:
    done = subprocess.run([sys.executable, "-c", KILLED, root, where.cache], check=False)
    assert done.returncode == -9
    (remains,) = entries(where)
    assert remains.name.startswith(".")
    assert right(loaded(root, where))
    assert remains.exists(), "its writer could still be alive"
    old = time.time() - 2 * entry.ABANDONED
    for path in (remains, *remains.iterdir()):
        os.utime(path, (old, old))
    shutil.rmtree(next(found for found in entries(where) if found != remains))
    assert right(loaded(root, where))
    assert not remains.exists()


def build(root: Path, where: Locations, start: Any, results: Any) -> None:
    start.wait()
    images = load(DataSpec(name=str(root)), where)
    results.put(images.fingerprint if right(images) else "wrong")


def test_writers_at_once_agree(root: Path, where: Locations) -> None:
    context = multiprocessing.get_context("spawn")
    results, start = context.Queue(), context.Barrier(3)
    writers = [context.Process(target=build, args=(root, where, start, results), daemon=True) for _ in range(3)]
    for writer in writers:
        writer.start()
    fingerprints = {results.get(timeout=300) for _ in writers}
    for writer in writers:
        writer.join()
    assert fingerprints == {loaded(root, where).fingerprint}
    assert len(entries(where)) == 1


def test_the_slower_writer_uses_the_entry_of_the_quicker(
    root: Path, where: Locations, reads: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    write = cache._write

    def overtaken(folder: Path, listing: object) -> None:
        write(folder, listing)
        if len(reads) == 1:
            loaded(root, where)

    monkeypatch.setattr(cache, "_write", overtaken)
    assert right(loaded(root, where))
    assert len(reads) == 2
    assert len(entries(where)) == 1


def test_no_space_is_told_before_and_while_writing(
    root: Path, where: Locations, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = namedtuple("usage", "total used free")
    monkeypatch.setattr(shutil, "disk_usage", lambda _: usage(0, 0, 700_000))
    with pytest.raises(DataError, match=r"need 0\.8 MB, and 0\.7 MB are free.*BAKEOFF_CACHE"):
        loaded(root, where, image_size=256)
    monkeypatch.undo()

    def full(*_: object, **__: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(np, "savez", full)
    with pytest.raises(DataError, match="are free; make room"):
        loaded(root, where)
    assert entries(where) == []


@pytest.mark.parametrize("code", [errno.EACCES, errno.EROFS])
def test_an_unwritable_cache_names_the_variable(
    root: Path, where: Locations, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    images = loaded(root, where)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(code, os.strerror(code))

    monkeypatch.setattr(Path, "mkdir", refuse)
    assert loaded(root, where).fingerprint == images.fingerprint, "reading needs no writing"
    with pytest.raises(DataError, match=f"{where.cache}: the cache cannot be used.*BAKEOFF_CACHE"):
        loaded(root, where, image_size=16)


def test_a_file_in_the_place_of_the_cache(root: Path, where: Locations) -> None:
    where.cache.write_text("not a folder")
    with pytest.raises(DataError, match="BAKEOFF_CACHE"):
        loaded(root, where)


def test_an_interrupted_writer_cleans_up(root: Path, where: Locations, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(cache, "fingerprint", interrupt)
    with pytest.raises(KeyboardInterrupt):
        loaded(root, where)
    assert entries(where) == []


def test_long_decoding_reports(
    root: Path, where: Locations, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(cache, "REPORT_EVERY", 0)
    with caplog.at_level(logging.INFO, "bakeoff"):
        loaded(root, where)
    assert "decoded 2 of 4 images" in caplog.text
