"""Whether somebody works on a study at this moment, or it was cut off."""

import os
import re
import socket
from collections.abc import Collection, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from bakeoff.records.run import RunRecord, RunState
from bakeoff.store.database import Event

GAP = 10  # seconds between the end of a run and the start of the next one, at most


class Standing(StrEnum):
    """Where a study stands."""

    EMPTY = "not started"
    RUNNING = "running"
    FINISHED = "finished"
    INTERRUPTED = "interrupted"


def abandoned(runs: Sequence[RunRecord], events: Sequence[Event]) -> frozenset[str]:
    """Return the identities of the runs that count as running, but whose process on this machine has ended.

    Of processes on other machines nothing is known, and they are believed.
    """
    workers = {event.run_id: event.detail for event in events if event.kind == "started"}
    return frozenset(
        run.run_id for run in runs if run.state is RunState.RUNNING and _has_ended(workers.get(run.run_id, ""))
    )


def standing(runs: Sequence[RunRecord], events: Sequence[Event], gone: Collection[str]) -> Standing:
    """Return where a study stands, given the runs that are `abandoned`."""
    states = [run.state for run in runs if run.run_id not in gone]
    if RunState.RUNNING in states:
        return Standing.RUNNING
    if runs and not gone and not {RunState.PENDING, RunState.INTERRUPTED} & set(states):
        return Standing.FINISHED
    if not events:
        return Standing.EMPTY
    between = events[-1].kind == RunState.FINISHED and _seconds_since(events[-1].at) < GAP
    return Standing.RUNNING if between else Standing.INTERRUPTED


def _has_ended(worker: str) -> bool:
    """Whether a worker, as `host:pid`, is of this machine and no process any more."""
    found = re.fullmatch(r"(.+?):(\d{1,9})\b.*", worker)
    if not found or found[1] != socket.gethostname():
        return False
    try:
        os.kill(int(found[2]), 0)
    except ProcessLookupError:
        return True
    except OSError:  # it is another user's
        return False
    return False


def _seconds_since(time: str) -> float:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()
    except (ValueError, TypeError):
        return float("inf")
