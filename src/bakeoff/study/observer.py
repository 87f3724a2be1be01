"""What is told of a study while it goes on."""

from collections.abc import Sequence

from bakeoff.records.run import RunRecord
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.run_one import News


class Observer:
    """Is told how a study goes on; this one does not care."""

    def joined(self, what: str) -> None:
        """The folder holds the study already; what this command changes of it, in a sentence."""

    def study_started(self, runs: int, done: int) -> None:
        """So many runs, of which so many were done before."""

    def run_started(self, planned: PlannedRun, resumed: bool) -> None:
        """A run starts, or goes on from where it was interrupted."""

    def progress(self, news: News) -> None:
        """The current run goes on."""

    def stopping(self) -> None:
        """Ctrl-C or SIGTERM asked to stop; that happens after the current step or chunk of images."""

    def measuring(self, what: str) -> None:
        """Something is measured of a finished run."""

    def training(self, done: float, running: int) -> None:
        """Several runs go on at once in processes of their own, and so many are done, parts of them included."""

    def run_ended(self, record: RunRecord) -> None:
        """A run has ended, in whatever state; `running` if another process has taken it over."""

    def waiting(self, workers: Sequence[str]) -> None:
        """Nothing is left but runs that other processes train; called every second with each one's process."""
