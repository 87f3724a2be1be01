"""A candidate's side of a benchmark: a process that says what it is, and works for a round whenever it is told to.

It speaks JSON, a line each, on what was its standard output; what libraries print goes to standard error. While it
waits it reads from a pipe, so that it takes nothing from the others.
"""

import json
import os
import sys
import time
from pathlib import Path


class Rounds:
    """The rounds of one candidate. `task`, a mapping, is what it is to do."""

    def __init__(self) -> None:
        self.task = json.loads(sys.argv[1])
        self._answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
        os.dup2(2, 1)
        self._left = self.task.get("rounds", 1)
        self._started = 0.0

    def wait(self, **about: str) -> None:
        """Say what the candidate is, in a few words (`does`) and by versions of libraries, and wait for a round."""
        self._answer(about)
        self._wait()

    def done(self, seconds: float | None = None) -> None:
        """End a round, which took these seconds or the time since it began, and wait for the next one, if any."""
        self._answer({"seconds": time.perf_counter() - self._started if seconds is None else seconds})
        self._wait()

    def finish(self, **found: float) -> None:
        """Say what came of all rounds. `parameters` must be the same for all candidates that train a network."""
        lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
        peak = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
        self._answer({**found, "peak_mib": peak / 1024})

    def _wait(self) -> None:
        if not sys.stdin.readline() and self._left:  # a line asks for a round; the end, for nothing more
            os._exit(1)  # whoever asked is gone, and no library may catch this and train on
        self._left -= 1
        self._started = time.perf_counter()

    def _answer(self, content: dict) -> None:
        print(json.dumps(content), file=self._answers, flush=True)
