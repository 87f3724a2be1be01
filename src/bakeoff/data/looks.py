"""Who has looked at a test set: every run of this machine that opened it, over all studies.

A test set answers honestly as long as nothing was chosen by its answers. A study opens it once a run; whoever changes
the study after that and runs it again has chosen by it (Dwork et al. 2015, Science 349), also where another split or
folds test only some of the same images. That cannot be forbidden, but it can be told: for every test part of a data set
there is a file beside the data cache, of one line of JSON per run, which is added to and never rewritten, and another
that says which images it tests.
"""

import fcntl
import hashlib
import json
import logging
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bakeoff import durable
from bakeoff.data.imageset import ImageSet, IntArray

logger = logging.getLogger(__name__)

MOST = 10_000  # looks at one test part that are kept
IMAGES = ".images"  # suffix of what says which images a part tests: a bit for each of the data set


@dataclass(frozen=True)
class Looks:
    """How many runs, of how many studies, have looked at test images, and at which share of them in all."""

    studies: int
    runs: int
    share: float = 1.0


class Ledger:
    """The looks at the test images of a data set, whatever is trained on and however the data set was split.

    Args:
        cache: the cache folder.
        images: the data set; the same photos in another size, or more of them, count as another.
        tested: indices of the test images, under cross-validation those of all folds.
    """

    def __init__(self, cache: Path, images: ImageSet, tested: IntArray) -> None:
        self._tested = np.zeros(len(images.labels), np.bool_)
        self._tested[tested] = True
        self._packed = np.packbits(self._tested).tobytes()
        self.path = cache / "looks" / images.fingerprint / f"{hashlib.sha256(self._packed).hexdigest()}.jsonl"

    def others(self, own: Collection[str], study: str = "") -> Looks:
        """Return the looks of all runs but those of the given identities and of a study, at some of the images."""
        studies: set[str] = set()
        runs: set[str] = set()
        seen = np.zeros_like(self._tested)
        for path in self.path.parent.glob("*.jsonl"):
            shared = self._tested & self._tested_by(path)
            looks = [look for look in _read(path) if look["run"] not in own and look["study"] != study]
            if looks and shared.any():
                studies.update(look["study"] for look in looks)
                runs.update(look["run"] for look in looks)
                seen |= shared
        return Looks(len(studies), len(runs), float(seen.sum() / max(1, self._tested.sum())))

    def add(self, study: str, run: str) -> None:
        """Keep that a run looks now, unless it is known. A cache that cannot be written is warned of, no more."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            if not (which := self.path.with_suffix(IMAGES)).exists():
                durable.write(which, self._packed)
            with self.path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                known = _read(self.path)
                if len(known) < MOST and run not in {look["run"] for look in known}:
                    line = {"study": study, "run": run, "at": datetime.now(UTC).isoformat(timespec="seconds")}
                    # A line that was cut off by a crash must not swallow this one.
                    file.write(b"\n" * self._is_cut_off() + json.dumps(line).encode() + b"\n")
        except OSError as error:
            logger.warning("%s: the look at the test set cannot be kept (%s)", self.path, error.strerror)

    def _tested_by(self, path: Path) -> NDArray[np.bool_]:
        """Return at which images the looks in a file were; at none where that is lost."""
        if path == self.path:
            return self._tested
        try:
            packed = np.frombuffer(path.with_suffix(IMAGES).read_bytes(), np.uint8)
        except OSError:
            packed = np.zeros(0, np.uint8)
        if len(packed) != len(self._packed):
            return np.zeros_like(self._tested)
        return np.unpackbits(packed, count=len(self._tested)).astype(np.bool_)

    def _is_cut_off(self) -> bool:
        with self.path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"


def _read(path: Path) -> list[dict[str, str]]:
    """Return every look that is whole, the oldest first."""
    try:
        lines = path.read_bytes().splitlines()
    except OSError:
        return []
    return [look for look in map(_parsed, lines) if look]


def _parsed(line: bytes) -> dict[str, str]:
    try:
        look = json.loads(line)
        return {"study": str(look["study"]), "run": str(look["run"])}
    except (ValueError, TypeError, KeyError):
        return {}
