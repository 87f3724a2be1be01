"""Progress of a study as plain lines, for Python in a terminal or a notebook."""

import sys
from typing import TextIO

from bakeoff.records.run import RunRecord, RunState
from bakeoff.study.observer import Observer
from bakeoff.study.printable import printable


class Lines(Observer):
    """Prints a line for every run that has ended.

    Args:
        stream: where to; standard output unless given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stdout
        self._runs = self._done = 0

    def joined(self, what: str) -> None:
        """Print it."""
        print(what, file=self._stream, flush=True)

    def study_started(self, runs: int, done: int) -> None:
        """Remember how many there are."""
        self._runs, self._done = runs, done
        if done:
            print(f"{done} of {runs} done already", file=self._stream, flush=True)

    def stopping(self) -> None:
        """Say that the signal was heard."""
        print("stopping, and saving where it is; interrupt again to leave at once", file=self._stream, flush=True)

    def run_ended(self, record: RunRecord) -> None:
        """Print the line of a run."""
        self._done += 1
        result = f"{record.state}{f': {record.error}' if record.error else ''}"
        if record.state is RunState.FINISHED and record.cost:
            accuracy, seconds = record.metrics["test"]["accuracy"], record.cost.training_seconds
            result = f"test accuracy {100 * accuracy:.2f} %, trained {seconds:,.1f} s"
        title = f"{record.spec.model.title}, {record.spec.recipe.name}, {record.spec.turn}"
        line = printable(f"[{self._done}/{self._runs}] {title}: {result}")
        print(line, file=self._stream, flush=True)


def default_observer(verbose: bool | None) -> Observer:
    """Return what tells of progress: lines if asked for, or, where that is left open, in a terminal or a notebook."""
    watched = sys.stdout is not None and (sys.stdout.isatty() or "ipykernel" in sys.modules)
    return Lines() if verbose or (verbose is None and watched) else Observer()
