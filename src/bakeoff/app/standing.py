"""Whether somebody works on a study at this moment, or it was cut off."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from bakeoff.records.run import RunRecord, RunState
from bakeoff.store.database import Event
from bakeoff.store.worker import Worker

GAP = 10  # seconds between the end of a run and the start of the next one, at most


class Standing(StrEnum):
    """Where a study stands."""

    EMPTY = "not started"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"  # nothing is left to do, and no run has finished
    INTERRUPTED = "interrupted"


def abandoned(workers: Mapping[str, str]) -> frozenset[str]:
    """Return the runs that count as running, but whose process on this machine has ended.

    Of processes on other machines nothing is known, and they are believed.

    Args:
        workers: by run, as `Worker` writes itself.
    """
    known = {run_id: Worker.parse(worker) for run_id, worker in workers.items()}
    return frozenset(run_id for run_id, worker in known.items() if worker and worker.has_died)


def standing(runs: Sequence[RunRecord], events: Sequence[Event], gone: Collection[str]) -> Standing:
    """Return where a study stands, given the runs that are `abandoned`."""
    states = [run.state for run in runs if run.run_id not in gone]
    if RunState.RUNNING in states:
        return Standing.RUNNING
    if runs and not gone and not {RunState.PENDING, RunState.INTERRUPTED} & set(states):
        return Standing.FINISHED if RunState.FINISHED in states else Standing.FAILED
    if not events:
        return Standing.EMPTY
    between = events[-1].kind == RunState.FINISHED and _seconds_since(events[-1].at) < GAP
    return Standing.RUNNING if between else Standing.INTERRUPTED


def _seconds_since(time: str) -> float:
    try:
        return (datetime.now(UTC) - datetime.fromisoformat(time)).total_seconds()
    except (ValueError, TypeError):
        return float("inf")
