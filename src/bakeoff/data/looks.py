"""Who has looked at a test set: every run of this machine that opened it, over all studies.

A test set answers honestly as long as nothing was chosen by its answers. A study opens it once a run; whoever changes
the study after that and runs it again has chosen by it (Dwork et al. 2015, Science 349). That cannot be forbidden, but
it can be told: a file beside the data cache, of one line of JSON per run, is added to and never rewritten.
"""

import fcntl
import json
import logging
import os
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import Split
from bakeoff.specs.base import digest

logger = logging.getLogger(__name__)

MOST = 10_000  # looks at one test set that are kept


@dataclass(frozen=True)
class Looks:
    """How many runs, of how many studies, have looked at a test set."""

    studies: int
    runs: int


class Ledger:
    """The looks at the test set of a data set as it is split: at these test images, whatever is trained on.

    Args:
        cache: the cache folder.
        images: the data set; the same photos in another size count as another.
        split: how it is split.
    """

    def __init__(self, cache: Path, images: ImageSet, split: Split) -> None:
        self.path = cache / "looks" / f"{digest([images.fingerprint, split.test_digest])}.jsonl"

    def others(self, own: Collection[str], study: str = "") -> Looks:
        """Return the looks of all runs but those of the given identities and of a study."""
        looks = [look for look in self._read() if look["run"] not in own and look["study"] != study]
        return Looks(len({look["study"] for look in looks}), len(looks))

    def add(self, study: str, run: str) -> None:
        """Keep that a run looks now, unless it is known. A cache that cannot be written is warned of, no more."""
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            with self.path.open("ab") as file:
                fcntl.flock(file, fcntl.LOCK_EX)
                known = self._read()
                if len(known) < MOST and run not in {look["run"] for look in known}:
                    line = {"study": study, "run": run, "at": datetime.now(UTC).isoformat(timespec="seconds")}
                    # A line that was cut off by a crash must not swallow this one.
                    file.write(b"\n" * self._is_cut_off() + json.dumps(line).encode() + b"\n")
        except OSError as error:
            logger.warning("%s: the look at the test set cannot be kept (%s)", self.path, error.strerror)

    def _read(self) -> list[dict[str, str]]:
        """Return every look that is whole, the oldest first."""
        try:
            lines = self.path.read_bytes().splitlines()
        except OSError:
            return []
        return [look for look in map(_parsed, lines) if look]

    def _is_cut_off(self) -> bool:
        with self.path.open("rb") as file:
            if not file.seek(0, os.SEEK_END):
                return False
            file.seek(-1, os.SEEK_END)
            return file.read(1) != b"\n"


def _parsed(line: bytes) -> dict[str, str]:
    try:
        look = json.loads(line)
        return {"study": str(look["study"]), "run": str(look["run"])}
    except (ValueError, TypeError, KeyError):
        return {}
