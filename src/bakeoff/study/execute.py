"""Run what a study still lacks. A run that fails is recorded, and the study goes on."""

import time
import traceback
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from errno import EDQUOT, EFBIG, ENOSPC
from typing import NoReturn

from bakeoff.errors import (
    BakeoffError,
    DatabaseFailedError,
    DivergedError,
    InterruptedRunError,
    LostClaimError,
    StoreError,
)
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.run.deterministic import deterministic
from bakeoff.run.device import environment
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.run_one import Hooks, News, run_one
from bakeoff.store.claims import Claim
from bakeoff.store.database import Store
from bakeoff.store.folder import StudyFolder
from bakeoff.store.worker import Worker, name_of
from bakeoff.study import looks
from bakeoff.study.afterwards import measure_what_is_asked, unmeasured
from bakeoff.study.environments import changed
from bakeoff.study.heartbeat import Heartbeat
from bakeoff.study.jobs import LOOK_SECONDS, train_at_once
from bakeoff.study.observer import Observer
from bakeoff.study.plan import Plan
from bakeoff.study.stopping import Stop, stopping
from bakeoff.training.checkpoint import Checkpoints
from bakeoff.training.fit import Notice

FULL = (ENOSPC, EDQUOT, EFBIG)  # no room on the disk, in the user's share of it, or within the largest size of a file


@dataclass(frozen=True)
class Outcome:
    """How a study ended.

    Attributes:
        records: its runs.
        stopped: why it was, before all was done; or empty.
        signalled: the number of the signal that stopped it, or 0.
        unmeasured: the finished runs of which something that was asked for could not be measured, and why.
    """

    records: tuple[RunRecord, ...]
    stopped: str
    signalled: int = 0
    unmeasured: tuple[tuple[RunRecord, str], ...] = ()


def execute(
    plan: Plan,
    folder: StudyFolder,
    store: Store,
    observer: Observer,
    time_limit: float | None,
    *,
    retry_failed: bool = False,
    jobs: int = 1,
    at_once: int = 1,
) -> Outcome:
    """Train every run of the plan that is not done, one after the other or several at once.

    Other processes may do the same at once, each with runs of its own; at the end, those of the others are waited for.
    A run whose process died or was not heard of for long is gone on with.

    Args:
        plan: what to do.
        folder: where weights, logits and checkpoints go; one for all processes.
        store: where the runs are recorded.
        observer: told of everything.
        time_limit: seconds after which training saves itself and stops.
        retry_failed: try runs again that have failed.
        jobs: how many runs to train at once, each in a process of its own if there are several.
        at_once: how many processes are told to train at once, of which this is one.
    """
    runs = {planned.spec.run_id: planned for planned in plan.runs}
    store.add(planned.spec for planned in plan.runs)
    if retry_failed:
        store.retry_failed(runs)
    before = _records(store, runs)
    for record in before:  # of a run that was killed after it was recorded
        _clear_checkpoints(folder, record)
    observer.study_started(len(runs), sum(record.state.is_final for record in before))
    worker = str(Worker.current())
    with stopping(time_limit, observer.stopping) as stop:
        if jobs > 1:
            train_at_once(plan, folder, store, jobs, observer, stop)
        environments = {record.run_id: record.environment for record in before}
        bench = _Bench(plan, folder, store, observer, stop, environments, at_once)
        while not stop.why():
            if claim := store.claim(runs, worker):
                planned = runs[claim.run_id]
                observer.run_started(planned, claim.attempt > 1)
                observer.run_ended(bench.attempt(planned, claim))
            elif others := sorted(name_of(who) for run_id, who in store.workers().items() if run_id in runs):
                observer.waiting(others)
                time.sleep(LOOK_SECONDS)
            else:
                break
        measured = measure_what_is_asked(plan, folder, store, lambda: bool(stop.why()), observer.measuring)
        records = _records(store, runs)
        failed = unmeasured(records, store.events()) if plan.study.protocol.robustness else ()
        if measured and all(record.state.is_final for record in records):
            return Outcome(records, "", unmeasured=failed)
        return Outcome(records, stop.why(), stop.signalled, failed)


def _records(store: Store, runs: Mapping[str, PlannedRun]) -> tuple[RunRecord, ...]:
    return tuple(record for record in store.records() if record.run_id in runs)


def _clear_checkpoints(folder: StudyFolder, record: RunRecord) -> None:
    if record.state in (RunState.FINISHED, RunState.DIVERGED):
        Checkpoints(folder.run(record.spec, record.run_id).checkpoints, record.run_id).clear()


@dataclass(frozen=True)
class _Bench:
    """What all attempts of this process share."""

    plan: Plan
    folder: StudyFolder
    store: Store
    observer: Observer
    stop: Stop
    environments: Mapping[str, Mapping[str, str]]  # in which runs were attempted before, by their identity
    at_once: int  # processes that train, of which this is one

    def attempt(self, planned: PlannedRun, claim: Claim) -> RunRecord:
        """Return the record of an attempt at a claimed run, whatever became of it, and keep it."""
        unfinished = RunRecord(
            planned.spec, RunState.FAILED, deviations=planned.deviations, environment=environment(self.plan.device)
        )
        with Heartbeat(self.store, claim) as heart:
            try:
                record = self._train(planned, claim, heart, unfinished)
                here = {**record.environment, "at_once": str(self.at_once)}
                elsewhere = changed(self.environments.get(claim.run_id, {}), here)
                record = replace(record, environment=here, deviations=record.deviations + elsewhere)
                self.store.finish(claim, record)
            except LostClaimError as error:
                return replace(unfinished, state=RunState.RUNNING, error=str(error))
            except BaseException:  # such as a second Ctrl-C: nobody should wait for this process
                with suppress(BakeoffError):
                    self.store.finish(claim, replace(unfinished, state=RunState.INTERRUPTED, error="the program ended"))
                raise
        _clear_checkpoints(self.folder, record)
        return record

    def _train(self, planned: PlannedRun, claim: Claim, heart: Heartbeat, unfinished: RunRecord) -> RunRecord:
        """Return the record of a run that was trained, or the unfinished one with what went wrong."""
        rows: list[EpochRow] = []

        def report(news: News) -> None:
            if isinstance(news, EpochRow):
                self.store.epoch_ended(claim, news)
                rows.append(news)
            elif isinstance(news, Notice):
                self.store.log(claim, "notice", news.text)
            self.observer.progress(news)

        def stop_requested() -> bool:
            heart.check()  # raises, since what is another's must not be saved either
            return bool(self.stop.why())

        hooks = Hooks(report, stop_requested, lambda digest: looks.note(plan, self.store, claim, digest))
        plan, run_folder = self.plan, self.folder.run(planned.spec, claim.run_id)
        try:
            with deterministic(planned.spec.protocol.deterministic):
                return run_one(
                    planned,
                    plan.images,
                    plan.split_of(planned.spec),
                    run_folder,
                    plan.device,
                    hooks,
                    plan.features,
                )
        except (LostClaimError, DatabaseFailedError):
            raise
        except InterruptedRunError as error:
            unfinished = replace(unfinished, state=RunState.INTERRUPTED, error=str(error))
        except DivergedError as error:
            unfinished = replace(unfinished, state=RunState.DIVERGED, error=str(error))
        except BakeoffError as error:
            unfinished = replace(unfinished, error=str(error))
        except (Exception, SystemExit) as error:  # any fault of one run, so that the others go on
            if isinstance(error, OSError) and error.errno in FULL:
                self._give_up(claim, replace(unfinished, epochs=tuple(rows)))
            self.store.log(claim, "traceback", traceback.format_exc())
            unfinished = replace(unfinished, error=f"{type(error).__name__}: {error}")
        return replace(unfinished, epochs=tuple(rows))

    def _give_up(self, claim: Claim, unfinished: RunRecord) -> NoReturn:
        """End the study, whose other runs would fail too, and let go of the run as far as there is room for that."""
        why = (
            f"the disk of {self.folder.path}, or of the cache {self.plan.where.cache}, is full; make room, and the same"
        )
        why += " command goes on from the last checkpoint"
        with suppress(BakeoffError):
            self.store.finish(claim, replace(unfinished, state=RunState.INTERRUPTED, error=why))
        raise StoreError(why) from None
