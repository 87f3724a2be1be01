"""Train a run that was claimed, and keep its record, whatever became of it."""

import traceback
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
from bakeoff.store.folder import StudyFolder
from bakeoff.store.worker import Worker
from bakeoff.study import looks
from bakeoff.study.begin import Begun
from bakeoff.study.environments import changed
from bakeoff.study.heartbeat import Heartbeat
from bakeoff.study.observer import Observer
from bakeoff.study.stopping import Stop
from bakeoff.training.checkpoint import Checkpoints
from bakeoff.training.fit import Notice

FULL = (ENOSPC, EDQUOT, EFBIG)  # no room on the disk, in the user's share of it, or within the largest size of a file


@dataclass(frozen=True)
class Bench:
    """Where a process trains runs of a study, one after the other.

    Attributes:
        study: whose runs.
        observer: told of everything.
        stop: says whether training should stop.
        at_once: how many processes are told to train at once, of which this is one.
    """

    study: Begun
    observer: Observer
    stop: Stop
    at_once: int = 1

    def train_next(self) -> bool:
        """Train the next run that is not done and that nobody trains; return whether there was one.

        A run whose process died or was not heard of for long is gone on with.
        """
        claim = self.study.store.claim(self.study.runs, str(Worker.current()))
        if claim:
            planned = self.study.runs[claim.run_id]
            self.observer.run_started(planned, claim.attempt > 1)
            self.observer.run_ended(self._attempt(planned, claim))
        return claim is not None

    def _attempt(self, planned: PlannedRun, claim: Claim) -> RunRecord:
        """Return the record of an attempt at a claimed run, whatever became of it, and keep it."""
        unfinished = RunRecord(
            planned.spec,
            RunState.FAILED,
            deviations=planned.deviations,
            environment=environment(self.study.plan.device),
        )
        with Heartbeat(self.study.store, claim) as heart:
            try:
                record = self._train(planned, claim, heart, unfinished)
                here = {**record.environment, "at_once": str(self.at_once)}
                before = next(record for record in self.study.before if record.run_id == claim.run_id)
                elsewhere = changed(before.environment, here)
                record = replace(record, environment=here, deviations=record.deviations + elsewhere)
                self.study.store.finish(claim, record)
            except LostClaimError as error:
                return replace(unfinished, state=RunState.RUNNING, error=str(error))
            except BaseException:  # such as a second Ctrl-C: nobody should wait for this process
                with suppress(BakeoffError):
                    self.study.store.finish(
                        claim, replace(unfinished, state=RunState.INTERRUPTED, error="the program ended")
                    )
                raise
        clear_checkpoints(self.study.folder, record)
        return record

    def _train(self, planned: PlannedRun, claim: Claim, heart: Heartbeat, unfinished: RunRecord) -> RunRecord:
        """Return the record of a run that was trained, or the unfinished one with what went wrong."""
        rows: list[EpochRow] = []

        def report(news: News) -> None:
            if isinstance(news, EpochRow):
                self.study.store.epoch_ended(claim, news)
                rows.append(news)
            elif isinstance(news, Notice):
                self.study.store.log(claim, "notice", news.text)
            self.observer.progress(news)

        def stop_requested() -> bool:
            heart.check()  # raises, since what is another's must not be saved either
            return bool(self.stop.why())

        hooks = Hooks(report, stop_requested, lambda digest: looks.note(plan, self.study.store, claim, digest))
        plan, run_folder = self.study.plan, self.study.folder.run(planned.spec, claim.run_id)
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
            self.study.store.log(claim, "traceback", traceback.format_exc())
            unfinished = replace(unfinished, error=f"{type(error).__name__}: {error}")
        return replace(unfinished, epochs=tuple(rows))

    def _give_up(self, claim: Claim, unfinished: RunRecord) -> NoReturn:
        """End the study, whose other runs would fail too, and let go of the run as far as there is room for that."""
        folder, cache = self.study.folder.path, self.study.plan.where.cache
        why = f"the disk of {folder}, or of the cache {cache}, is full; make room, and the same command goes on from"
        why += " the last checkpoint"
        with suppress(BakeoffError):
            self.study.store.finish(claim, replace(unfinished, state=RunState.INTERRUPTED, error=why))
        raise StoreError(why) from None


def clear_checkpoints(folder: StudyFolder, record: RunRecord) -> None:
    """Remove the checkpoints of a run that nothing goes on from any more."""
    if record.state in (RunState.FINISHED, RunState.DIVERGED):
        Checkpoints(folder.run(record.spec, record.run_id).checkpoints, record.run_id).clear()
