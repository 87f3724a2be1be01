"""Folders that are there in full or not at all, whoever else writes them or dies while writing.

An entry is written under a hidden name beside its place, sealed with checksums in the format of `sha256sum`, and
renamed into its place.
"""

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from errno import EEXIST, ENOTEMPTY
from pathlib import Path
from uuid import uuid4

from bakeoff import durable

logger = logging.getLogger(__name__)

SUMS = "SHA256SUMS"
ABANDONED = 24 * 3600  # seconds after which an unfinished entry has no living writer


@contextmanager
def new_entry(entry: Path, is_good: Callable[[Path], bool]) -> Iterator[Path]:
    """Give an empty folder to write files into, which becomes the entry when the block ends without an error.

    Where another writer was first with a good entry, theirs stays.

    Args:
        entry: the place of the entry.
        is_good: whether an entry that is there already may stay; else it is replaced.
    """
    entry.parent.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(entry)
    fresh = _hidden(entry)
    fresh.mkdir()
    try:
        yield fresh
        _seal(fresh)
        while not _moved(fresh, entry) and not is_good(entry):
            _set_aside(entry)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)


def is_intact(entry: Path) -> bool:
    """Whether all files of an entry are there, byte by byte as they were sealed."""
    try:
        lines = (entry / SUMS).read_text(encoding="utf-8").splitlines()
        return bool(lines) and all(
            _checksum(entry / name) == total for total, _, name in (line.partition("  ") for line in lines)
        )
    except (FileNotFoundError, NotADirectoryError, UnicodeDecodeError):
        return False


def _seal(folder: Path) -> None:
    files = sorted(folder.iterdir())
    lines = [f"{_checksum(file)}  {file.name}\n" for file in files]
    (folder / SUMS).write_text("".join(lines), encoding="utf-8")
    for file in (*files, folder / SUMS):
        with file.open("r+b") as written:
            os.fsync(written.fileno())
    durable.sync_folder(folder)


def _checksum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _moved(fresh: Path, entry: Path) -> bool:
    try:
        fresh.rename(entry)
        durable.sync_folder(entry.parent)
    except OSError as error:
        if error.errno in (EEXIST, ENOTEMPTY):
            return False
        raise
    return True


def _set_aside(entry: Path) -> None:
    logger.info("%s: the entry is damaged or outdated and is replaced", entry)
    aside = _hidden(entry)
    try:
        entry.rename(aside)
    except FileNotFoundError:  # another writer was quicker
        return
    shutil.rmtree(aside, ignore_errors=True)


def _hidden(entry: Path) -> Path:
    return entry.with_name(f".{entry.name}-{uuid4().hex}")


def _remove_abandoned(entry: Path) -> None:
    for folder in entry.parent.glob(f".{entry.name}-*"):
        with suppress(FileNotFoundError):  # another writer has just ended
            newest = max(file.stat().st_mtime for file in (folder, *folder.iterdir()))
            if time.time() - newest > ABANDONED:
                logger.info("%s: removed, its writer has ended", folder)
                shutil.rmtree(folder, ignore_errors=True)
