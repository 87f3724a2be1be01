"""Several observers as one."""

from collections.abc import Sequence

from bakeoff.records.run import RunRecord
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.run_one import News
from bakeoff.study.observer import Observer


class Together(Observer):
    """Tells several observers everything, in their order."""

    def __init__(self, *observers: Observer) -> None:
        self._observers = observers

    def joined(self, what: str) -> None:
        """Tell what a study gains."""
        for observer in self._observers:
            observer.joined(what)

    def study_started(self, runs: int, done: int) -> None:
        """Tell how many runs there are."""
        for observer in self._observers:
            observer.study_started(runs, done)

    def run_started(self, planned: PlannedRun, resumed: bool) -> None:
        """Tell that a run starts."""
        for observer in self._observers:
            observer.run_started(planned, resumed)

    def progress(self, news: News) -> None:
        """Tell how the run goes on."""
        for observer in self._observers:
            observer.progress(news)

    def stopping(self) -> None:
        """Tell that a signal was heard."""
        for observer in self._observers:
            observer.stopping()

    def measuring(self, what: str) -> None:
        """Tell what is measured."""
        for observer in self._observers:
            observer.measuring(what)

    def training(self, done: float, running: int) -> None:
        """Tell how far runs are that go on at once."""
        for observer in self._observers:
            observer.training(done, running)

    def run_ended(self, record: RunRecord) -> None:
        """Tell that a run has ended."""
        for observer in self._observers:
            observer.run_ended(record)

    def waiting(self, workers: Sequence[str]) -> None:
        """Tell who is waited for."""
        for observer in self._observers:
            observer.waiting(workers)
