"""Files that are whole or not there, also after a crash or a power cut."""

import os
from pathlib import Path
from uuid import uuid4


def write(path: Path, content: bytes) -> None:
    """Put content in place at once and on the disk: a reader sees the old file or the new one, never a part."""
    beside = path.with_name(f"{uuid4().hex[:8]}.{path.name}.partial")  # its own, as two processes may write at once
    try:
        beside.write_bytes(content)
        place(beside, path)
    finally:  # also on a full disk, where a part would only take up room
        beside.unlink(missing_ok=True)


def place(finished: Path, path: Path) -> None:
    """Put a file that is finished, and lies in the same folder, in its place at once and on the disk."""
    with finished.open("rb+") as file:
        os.fsync(file.fileno())
    finished.replace(path)
    sync_folder(path.parent)


def make_folder(path: Path) -> None:
    """Make a folder, and those above it that are missing, and put their names on the disk."""
    missing = [folder for folder in (path, *path.parents) if not folder.exists()]
    path.mkdir(parents=True, exist_ok=True)
    for folder in reversed(missing):
        sync_folder(folder.parent)


def sync_folder(path: Path) -> None:
    """Put the names in a folder on the disk."""
    folder = os.open(path, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)
