"""A candidate of a benchmark: a process in its own environment that waits, and works for a round when it is told to.

Its side is `candidates/rounds.py`.
"""

import json
import os
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self

SCRIPTS = Path(__file__).parent / "candidates"
THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS")


class Candidate:
    """A started candidate.

    Args:
        python: of its environment.
        script: its file, within `candidates`.
        task: what it is to do, as JSON types.
        threads: that it may compute with.

    Attributes:
        about: what it says of itself.

    Raises:
        RuntimeError: here, and at any round, where the process has ended; with the last it said.
    """

    def __init__(self, python: Path, script: str, task: Mapping[str, Any], threads: int) -> None:
        self._log = tempfile.TemporaryFile(mode="w+")  # noqa: SIM115, as long as the process
        self._process = subprocess.Popen(
            [python, SCRIPTS / script, json.dumps(task)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            env=os.environ | dict.fromkeys(THREADS, str(threads)),
        )
        self.about: dict[str, str] = self._answer()

    def round(self) -> float:
        """Let it work, and return the seconds that it took."""
        assert self._process.stdin
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._answer()["seconds"])

    def finish(self) -> dict[str, float]:
        """Return what came of its rounds."""
        assert self._process.stdin
        self._process.stdin.close()
        found: dict[str, float] = self._answer()
        self._process.wait()
        return found

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def _answer(self) -> Any:
        assert self._process.stdout
        if line := self._process.stdout.readline():
            return json.loads(line)
        self._log.seek(0)
        raise RuntimeError(f"{self._process.args}: ended with {self._process.wait()}\n{self._log.read()[-2000:]}")
