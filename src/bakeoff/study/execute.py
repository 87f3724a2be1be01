"""Run what a study still lacks. A run that fails is recorded, and the study goes on."""

import os
import signal
import socket
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace

from bakeoff.errors import BakeoffError, DivergedError, InterruptedRunError, StoreError
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.run.device import environment
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.run_one import Hooks, News, run_one
from bakeoff.store.database import Store
from bakeoff.store.folder import StudyFolder
from bakeoff.study.afterwards import measure_what_is_asked
from bakeoff.study.plan import Plan
from bakeoff.training.checkpoint import Checkpoints


class Observer:
    """Is told how a study goes on; this one does not care."""

    def study_started(self, runs: int, done: int) -> None:
        """So many runs, of which so many were done before."""

    def run_started(self, planned: PlannedRun, resumed: bool) -> None:
        """A run starts, or goes on from where it was interrupted."""

    def progress(self, news: News) -> None:
        """The current run goes on."""

    def measuring(self, what: str) -> None:
        """Something is measured of a finished run."""

    def run_ended(self, record: RunRecord) -> None:
        """A run has ended, in whatever state."""


@dataclass(frozen=True)
class Outcome:
    """How a study ended: its runs, and whether it was stopped before all were done."""

    records: tuple[RunRecord, ...]
    stopped: str  # why, or empty


def execute(plan: Plan, folder: StudyFolder, store: Store, observer: Observer, time_limit: float | None) -> Outcome:
    """Train every run of the plan that is not done, one after the other.

    Args:
        plan: what to do.
        folder: where weights, logits and checkpoints go.
        store: where the runs are recorded.
        observer: told of everything.
        time_limit: seconds after which training saves itself and stops.
    """
    store.add(planned.spec for planned in plan.runs)
    before = {record.run_id: record for record in store.records()}
    waiting = [planned for planned in plan.runs if not before[planned.spec.run_id].state.is_final]
    observer.study_started(len(plan.runs), len(plan.runs) - len(waiting))
    stopped = ""
    with _stop_signals() as signalled:
        deadline = time.monotonic() + time_limit if time_limit else None
        for planned in waiting:
            if stopped := _why_stop(signalled, deadline):
                break
            observer.run_started(planned, before[planned.spec.run_id].attempts > 0)
            record = _attempt(plan, planned, folder, store, observer, lambda: bool(_why_stop(signalled, deadline)))
            store.finish(record)
            if record.state.is_final:
                Checkpoints(folder.run(planned.spec, record.run_id).checkpoints, record.run_id).clear()
            observer.run_ended(record)
            if record.state is RunState.INTERRUPTED:
                stopped = _why_stop(signalled, deadline)
                break
        if not stopped:
            measure_what_is_asked(plan, folder, store, lambda: bool(_why_stop(signalled, deadline)), observer.measuring)
            stopped = _why_stop(signalled, deadline)
    wanted = {planned.spec.run_id for planned in plan.runs}
    return Outcome(tuple(record for record in store.records() if record.run_id in wanted), stopped)


def _attempt(
    plan: Plan,
    planned: PlannedRun,
    folder: StudyFolder,
    store: Store,
    observer: Observer,
    stop_requested: Callable[[], bool],
) -> RunRecord:
    """Return the record of an attempt at a run, whatever became of it."""
    run_id = planned.spec.run_id
    rows: list[EpochRow] = []

    def report(news: News) -> None:
        if isinstance(news, EpochRow):
            rows.append(news)
            store.epoch_ended(run_id, news)
        observer.progress(news)

    hooks = Hooks(report, stop_requested, lambda digest: store.log(run_id, "test opened", digest))
    features = plan.where.cache / "features"
    unfinished = RunRecord(
        planned.spec, RunState.FAILED, deviations=planned.deviations, environment=environment(plan.device)
    )
    try:
        store.start(run_id, f"{socket.gethostname()}:{os.getpid()}")
        return run_one(planned, plan.images, plan.split, folder.run(planned.spec, run_id), plan.device, hooks, features)
    except InterruptedRunError as error:
        unfinished = replace(unfinished, state=RunState.INTERRUPTED, error=str(error))
    except DivergedError as error:
        unfinished = replace(unfinished, state=RunState.DIVERGED, error=str(error))
    except StoreError:
        raise
    except BakeoffError as error:
        unfinished = replace(unfinished, error=str(error))
    except Exception as error:  # any fault of one run, so that the others go on
        store.log(run_id, "traceback", traceback.format_exc())
        unfinished = replace(unfinished, error=f"{type(error).__name__}: {error}")
    return replace(unfinished, epochs=tuple(rows))


class _Signalled:
    name = ""


@contextmanager
def _stop_signals() -> Iterator[_Signalled]:
    """Let the first Ctrl-C or SIGTERM ask training to stop; a second one acts as it always does."""
    signalled = _Signalled()
    if threading.current_thread() is not threading.main_thread():
        yield signalled
        return
    kinds = (signal.SIGINT, signal.SIGTERM)
    usual = {kind: signal.getsignal(kind) for kind in kinds}

    def ask(number: int, _: object) -> None:
        signalled.name = signal.Signals(number).name
        for kind in kinds:
            signal.signal(kind, usual[kind])

    for kind in kinds:
        signal.signal(kind, ask)
    try:
        yield signalled
    finally:
        for kind in kinds:
            signal.signal(kind, usual[kind])


def _why_stop(signalled: _Signalled, deadline: float | None) -> str:
    if signalled.name:
        return f"stopped by {signalled.name}"
    return "the time limit was reached" if deadline and time.monotonic() > deadline else ""
