"""The studies below a folder. They are known by keys that are made here, so that no path ever comes from outside."""

import hashlib
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from bakeoff.errors import StoreError
from bakeoff.store.folder import STUDY_FILE
from bakeoff.study.confirm import FOLDER

DEPTH = 8  # folders between the start and a study
FOLDERS, STUDIES = 20_000, 500  # looked into, and shown, at most


@dataclass(frozen=True)
class Place:
    """A folder that says it holds a study.

    Attributes:
        key: 16 hex digits that stand for it in addresses.
        folder: the folder.
        name: its path from the start, as text that can be shown.
    """

    key: str
    folder: Path
    name: str


def find_places(root: Path) -> Iterator[Place]:
    """Yield the folders below `root` that have a study.json, the nearest first, `root` itself among them.

    Links are not followed, so there are no loops and nothing outside is found; hidden folders and the inside of studies
    are left out, but for the confirmation of a study, which is one as well.
    """
    waiting = deque([(root, 0)])
    visited = found = 0
    while waiting and visited < FOLDERS and found < STUDIES:
        folder, depth = waiting.popleft()
        visited += 1
        try:
            with os.scandir(folder) as entries:
                inside = sorted(entries, key=lambda entry: entry.name)
        except OSError:
            continue  # it has gone, or may not be read
        if any(entry.name == STUDY_FILE for entry in inside):
            found += 1
            yield _place(root, folder)
            inside = [entry for entry in inside if entry.name == FOLDER]
        if depth < DEPTH:
            waiting += [
                (folder / entry.name, depth + 1)
                for entry in inside
                if not entry.name.startswith(".") and entry.is_dir(follow_symlinks=False)
            ]


def _place(root: Path, folder: Path) -> Place:
    path = os.fsencode(folder.relative_to(root))
    name = path.decode("utf-8", "replace") if folder != root else os.fsencode(root.name).decode("utf-8", "replace")
    return Place(hashlib.sha256(path).hexdigest()[:16], folder, name)


def inside(root: Path, path: Path) -> Path:
    """Return the path; raise `StoreError` where links lead it out of `root`, which is resolved."""
    if not path.resolve().is_relative_to(root):
        raise StoreError(f"{path.name} is a link out of the folder that is shown; put the file itself there")
    return path
