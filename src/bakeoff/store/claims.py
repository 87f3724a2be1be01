"""Claims: which worker trains which run. A run has one at most, and a worker that lost it can write nothing more.

A claim is a row's state `running` with its number of attempts. Every write of a worker first asks the row for both, in
the same transaction, and beats; a worker that was taken over finds another number there. Workers beat every
`BEAT_SECONDS`, and who was silent for `SILENT_SECONDS` counts as gone.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from bakeoff.errors import LostClaimError
from bakeoff.records.run import RunState
from bakeoff.store.clock import database_time, now, seconds_between
from bakeoff.store.schema import EventRow, RunRow
from bakeoff.store.worker import Worker, name_of

BEAT_SECONDS = 10.0
SILENT_SECONDS = 120.0  # longer than a worker may wait for its turn to write
MOST_DEATHS = 10  # of workers in one run, without an epoch between them; then the run is to blame


@dataclass(frozen=True)
class Claim:
    """The right to train a run."""

    run_id: str
    attempt: int  # from 1
    worker: str


def take(session: Session, study_id: str, wanted: Collection[str], worker: str) -> Claim | None:
    """Claim the first of the wanted runs that nobody trains and that is not done; None where there is none.

    Runs in which workers died come last, so that one that kills every worker does not keep the others from being done.
    """
    time = session.scalar(select(database_time()))
    assert time is not None
    columns = (RunRow.study_id, RunRow.run_id, RunRow.state, RunRow.attempts, RunRow.deaths)
    open_states = (RunState.PENDING, RunState.INTERRUPTED, RunState.RUNNING)
    rows = select(*columns, RunRow.worker, RunRow.heartbeat).where(
        RunRow.study_id == study_id, RunRow.state.in_(open_states)
    )
    for run in session.execute(rows.order_by(RunRow.deaths, RunRow.position, RunRow.run_id)).all():
        if run.run_id not in wanted:
            continue
        gone = _why_gone(run, time)
        if run.state == RunState.RUNNING and not gone:
            continue
        if claim := _take(session, run, worker, gone):
            return claim
    return None


def hold(session: Session, study_id: str, claim: Claim, **values: Any) -> None:
    """Beat, and set columns of the run.

    Raises:
        LostClaimError: the run is another worker's by now.
    """
    mine = update(RunRow).where(
        RunRow.study_id == study_id,
        RunRow.run_id == claim.run_id,
        RunRow.state == RunState.RUNNING,
        RunRow.attempts == claim.attempt,
    )
    if not session.execute(mine.values(heartbeat=database_time(), **values)).rowcount:  # type: ignore[attr-defined]
        raise LostClaimError(f"the run {claim.run_id} was taken over, since this process was not heard of for long")


def workers(session: Session, study_id: str) -> dict[str, str]:
    """Return who trains which run at this moment, as `Worker` writes itself."""
    rows = select(RunRow.run_id, RunRow.worker).where(RunRow.study_id == study_id, RunRow.state == RunState.RUNNING)
    return {run.run_id: run.worker for run in session.execute(rows)}


def log(session: Session, study_id: str, run_id: str, attempt: int, kind: str, detail: str = "") -> None:
    """Keep an event."""
    session.add(EventRow(study_id=study_id, run_id=run_id, attempt=attempt, at=now(), kind=kind, detail=detail))


def _why_gone(run: Any, time: str) -> str:
    """Return why whoever trains a run counts as gone, or nothing."""
    if run.state != RunState.RUNNING:
        return ""
    known = Worker.parse(run.worker)
    if known and known.has_died:
        return f"{name_of(run.worker)} has died"
    if not run.heartbeat:
        return f"{name_of(run.worker)} does not beat"
    silent = seconds_between(run.heartbeat, time)
    return f"{name_of(run.worker)} was not heard of for {silent:.0f} s" if silent > SILENT_SECONDS else ""


def _take(session: Session, run: Any, worker: str, gone: str) -> Claim | None:
    """Claim a run, unless somebody else was faster."""
    deaths = run.deaths + bool(gone)
    blamed = deaths >= MOST_DEATHS
    claimed = {"state": RunState.RUNNING, "attempts": run.attempts + 1, "worker": worker, "started": now()}
    error = f"{deaths} workers died in this run without an epoch between them, the last: {gone}" if blamed else ""
    as_seen = update(RunRow).where(
        *(
            getattr(RunRow, name) == getattr(run, name)
            for name in ("study_id", "run_id", "state", "attempts", "heartbeat")
        )
    )
    changes = {"state": RunState.FAILED, "finished": now()} if blamed else {**claimed, "finished": ""}
    changes |= {"deaths": deaths, "error": error, "heartbeat": database_time()}
    if not session.execute(as_seen.values(changes)).rowcount:  # type: ignore[attr-defined]
        return None
    if gone:
        log(session, run.study_id, run.run_id, run.attempts, "lost", gone)
    if blamed:
        log(session, run.study_id, run.run_id, run.attempts, RunState.FAILED, error)
        return None
    log(session, run.study_id, run.run_id, run.attempts + 1, "started", name_of(worker))
    return Claim(run.run_id, run.attempts + 1, worker)
