"""Image files in folders: one folder per class, or train, val and test folders with one folder per class in each.

The order is that of the bytes of class names and paths, the same on every machine. Hidden files and folders are passed
over. Links to folders are followed; a folder that is reached twice in a class counts once.
"""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from bakeoff.data.decode import Blob
from bakeoff.data.locations import Locations
from bakeoff.data.pixels import EncodedPixels
from bakeoff.data.sources import Listing, consecutive, stamp
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec

EXTENSIONS = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".jfif", ".tif", ".tiff"})
OTHER_FORMATS = frozenset({".avif", ".gif", ".heic", ".heif", ".jp2", ".jxl", ".tga"})
PART_NAMES = {"train": "train", "val": "val", "valid": "val", "validation": "val", "test": "test"}

SHOWN = 20  # paths that are kept of those put aside

Entry = os.DirEntry[str]


def from_folder(spec: DataSpec, where: Locations) -> Listing:  # noqa: ARG001, the spec's name is the path
    """Return the image files below the folder that the spec names; raise `DataError` for what is wrong in it."""
    root = Path(spec.name).expanduser()
    if not root.is_dir():
        raise DataError(f"{root}: no such folder")
    aside = Aside()
    folders = _part_folders(root)
    if root not in folders.values():
        aside.ignored += [Path(entry) for entry in _entries(root) if not _is_folder(entry)]
    parts = {part: _classes(folder, aside) for part, folder in folders.items()}
    class_names = tuple(parts["train"])
    for part, classes in parts.items():
        _check_same_classes(root, class_names, part, tuple(classes))
    paths = [path for classes in parts.values() for found in classes.values() for path in found]
    labels = [label for classes in parts.values() for label, found in enumerate(classes.values()) for _ in found]
    return Listing(
        key=stamp(paths),
        pixels=EncodedPixels([Blob(str(path), path) for path in paths], spec),
        labels=np.array(labels, np.int64),
        class_names=class_names,
        parts=consecutive({part: sum(map(len, classes.values())) for part, classes in parts.items()}),
        provenance={"source": "folder", "path": str(root), **aside.describe(root)},
        names=[str(path) for path in paths],
    )


@dataclass
class Aside:
    """What a person may not expect: images of other formats, files that no class has, and folders below a class's."""

    unread: list[Path] = field(default_factory=list)
    ignored: list[Path] = field(default_factory=list)
    nested: list[Path] = field(default_factory=list)

    def describe(self, root: Path) -> dict[str, Any]:
        """Return how many there are and the first few, by their paths below the root."""
        return {
            kind: {"count": len(found), "names": [str(path.relative_to(root)) for path in sorted(found)[:SHOWN]]}
            for kind, found in vars(self).items()
            if found
        }


def _part_folders(root: Path) -> dict[str, Path]:
    """Return the folder of each part: the root itself for "train" where folders of classes lie directly in it."""
    folders = [Path(entry) for entry in _entries(root) if _is_folder(entry)]
    part_of = {folder: PART_NAMES[folder.name.lower()] for folder in folders if folder.name.lower() in PART_NAMES}
    # A folder train without folders in it is a class, perhaps of vehicles.
    if not any(part == "train" and _has_folders(folder) for folder, part in part_of.items()):
        if folders and len(part_of) == len(folders):
            raise DataError(f"{root}: has no folder train with a folder per class; it has {_listed(part_of)}")
        return {"train": root}
    if others := [folder for folder in folders if folder not in part_of]:
        raise DataError(
            f"{root}: has both {_listed(part_of)} and other folders, {_listed(others)}; keep either train, val and test"
            " or one folder per class"
        )
    parts: dict[str, Path] = {}
    for folder, part in part_of.items():
        if part in parts:
            raise DataError(f"{root}: the folders {_listed([parts[part], folder])} are both for {part}; keep one")
        parts[part] = folder
    return {part: parts[part] for part in ("train", "val", "test") if part in parts}


def _classes(folder: Path, aside: Aside) -> dict[str, list[Path]]:
    """Return the image files of each class folder, in order, and put aside what is none."""
    entries = _entries(folder)
    classes = {entry.name: _images(Path(entry), aside) for entry in entries if _is_folder(entry)}
    aside.ignored += [Path(entry) for entry in entries if not _is_folder(entry)]
    known = ", ".join(sorted(extension[1:] for extension in EXTENSIONS))
    if not any(classes.values()):
        loose = (
            "; its images lie outside of folders, sort them into one per class" if any(map(_is_image, entries)) else ""
        )
        raise DataError(f"{folder}: has no class folder with images ({known}){loose}")
    if empty := [name for name, paths in classes.items() if not paths]:
        raise DataError(f"{folder}: the class folder {_listed(empty)} has no images ({known}); add some, or remove it")
    return classes


def _check_same_classes(root: Path, train: Sequence[str], part: str, classes: Sequence[str]) -> None:
    only = {
        "train": [name for name in train if name not in classes],
        part: [name for name in classes if name not in train],
    }
    if found := [f"{_listed(names)} only in {where}" for where, names in only.items() if names]:
        raise DataError(f"{root}: the classes of train and {part} differ: {', '.join(found)}; make them the same")


def _images(folder: Path, aside: Aside) -> list[Path]:
    """Return the image files below a folder, sorted. Each real folder is entered once, so that circles end."""
    seen: set[tuple[int, int]] = set()
    todo, found = [folder], []
    while todo:
        current = todo.pop()
        state = current.stat()
        if (state.st_dev, state.st_ino) in seen:
            continue
        seen.add((state.st_dev, state.st_ino))
        entries = _entries(current)
        todo += [Path(entry) for entry in entries if _is_folder(entry)]
        images = [Path(entry) for entry in entries if _is_image(entry)]
        others = [Path(entry) for entry in entries if not _is_folder(entry) and not _is_image(entry)]
        aside.unread += [path for path in others if path.suffix.lower() in OTHER_FORMATS]
        aside.ignored += [path for path in others if path.suffix.lower() not in OTHER_FORMATS]
        if images and current != folder:
            aside.nested.append(current)
        found += images
    return sorted(found, key=os.fsencode)


def _entries(folder: Path) -> list[Entry]:
    try:
        with os.scandir(folder) as entries:
            shown = [entry for entry in entries if entry.name[0] != "." and entry.name != "__MACOSX"]
            return sorted(shown, key=lambda entry: os.fsencode(entry.name))
    except OSError as error:
        raise DataError(f"{folder}: the folder cannot be read ({error.strerror}); change its permissions") from None


def _is_folder(entry: Entry) -> bool:
    try:
        return entry.is_dir()
    except OSError:  # a link to itself
        return False


def _is_image(entry: Entry) -> bool:
    """Whether a file has an image's name. A link to nowhere counts, to be reported; a pipe, to wait on, does not."""
    if os.path.splitext(entry.name)[1].lower() not in EXTENSIONS:  # noqa: PTH122, a Path for every file is slow
        return False
    try:
        return entry.is_file() or (entry.is_symlink() and not Path(entry).exists())
    except OSError:
        return True


def _has_folders(folder: Path) -> bool:
    return any(_is_folder(entry) for entry in _entries(folder))


def _listed(names: Iterable[str | Path]) -> str:
    shown = [name.name if isinstance(name, Path) else name for name in names]
    return ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if len(shown) > 5 else "")
