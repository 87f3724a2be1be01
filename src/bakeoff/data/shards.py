"""Which of a data set's parquet files belong to which part, told from their names as the hub's are.

Names are `train-00000-of-00003.parquet`, or `train/0000.parquet`, perhaps in a folder for a configuration.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from bakeoff.errors import DataError

PARTS = {"train": "train", "validation": "val", "valid": "val", "val": "val", "test": "test"}
PREFIX = re.compile(rf"({'|'.join(PARTS)})(?![a-z])", re.IGNORECASE)
NUMBERED = re.compile(r"(?P<stem>.*)-(?P<number>\d+)-of-(?P<total>\d+)\.parquet")
USUAL = ("", "data", "default")  # folders to prefer where a data set comes in several configurations


@dataclass(frozen=True)
class Shards:
    """The parquet files of one configuration.

    Attributes:
        folder: the configuration's folder, "" for the top.
        parts: sorted paths, as they were given, for "train" and perhaps "val" and "test".
    """

    folder: str
    parts: Mapping[str, tuple[str, ...]]

    @property
    def files(self) -> list[str]:
        """All paths."""
        return [file for files in self.parts.values() for file in files]


def choose_shards(files: Iterable[str], where: str) -> Shards:
    """Return the files to read of those in a folder or repository.

    Files whose names tell no part are the training part where no name does, and else are left alone.

    Args:
        files: paths with forward slashes; those that are not parquet are passed over.
        where: the place of the files, for messages.

    Raises:
        DataError: no parquet files, no training part, one configuration of several to be chosen, or files missing
            from a numbered series.
    """
    folders: dict[str, dict[str | None, list[str]]] = defaultdict(lambda: defaultdict(list))
    for file in sorted(files):
        path = PurePosixPath(file)
        if path.suffix == ".parquet" and not any(part.startswith(".") for part in path.parts):
            folder, part = _place(path)
            folders[folder][part].append(file)
    if not folders:
        raise DataError(f"{where}: there are no parquet files")
    complete = {name: parts for name, parts in folders.items() if "train" in parts or set(parts) == {None}}
    if not complete:
        raise DataError(f"{where}: no parquet file is named train-*")
    usual = [name for name in USUAL if name in complete]
    if len(complete) > 1 and not usual:
        raise DataError(
            f"{where}: comes in several configurations ({', '.join(sorted(complete))}); copy the files of one into a"
            " folder of the data set's name, and name the folder that holds it with --data-dir"
        )
    folder = usual[0] if usual else next(iter(complete))
    parts = {
        part or "train": tuple(named) for part, named in complete[folder].items() if part or len(complete[folder]) == 1
    }
    for named in parts.values():
        _check_series(named, where)
    return Shards(folder, {part: parts[part] for part in ("train", "val", "test") if part in parts})


def _place(path: PurePosixPath) -> tuple[str, str | None]:
    """Return the folder of a file's configuration and the part that the file belongs to."""
    for named, folder in ((path.name, path.parent), (path.parent.name, path.parent.parent)):
        if found := PREFIX.match(named):
            return str(folder).removeprefix("."), PARTS[found[1].lower()]
    return str(path.parent).removeprefix("."), None


def _check_series(files: tuple[str, ...], where: str) -> None:
    found: dict[tuple[str, str], set[int]] = defaultdict(set)
    for file in files:
        if match := NUMBERED.fullmatch(file):
            found[match["stem"], match["total"]].add(int(match["number"]))
    for (stem, total), numbers in found.items():
        missing = next((number for number in range(int(total)) if number not in numbers), None)
        if missing is not None:
            name = f"{stem}-{missing:0{len(total)}}-of-{total}.parquet"
            raise DataError(f"{where}: the file {name} is missing; fetch it too")
