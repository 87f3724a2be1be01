"""Several runs at once on one machine: processes that share a study, each with its share of the processor's cores.

Small networks leave most of a large machine idle, be it a processor of many cores or a GPU. Every process trains as it
would alone, so that results are the same as those of one process with as many threads.
"""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Collection, Mapping
from contextlib import suppress
from typing import Any

from bakeoff.errors import SpecError
from bakeoff.records.run import RunRecord
from bakeoff.run.resolve import PlannedRun
from bakeoff.store.database import Store
from bakeoff.store.folder import StudyFolder
from bakeoff.study.observer import Observer
from bakeoff.study.plan import Plan
from bakeoff.study.stopping import Stop
from bakeoff.training.fit import Notice

LOOK_SECONDS = 1.0  # between looks at what other processes have done


def check_jobs(jobs: int) -> None:
    """Raise `SpecError` for a number of runs at once that there cannot be."""
    if jobs < 1:
        raise SpecError(f"jobs is how many runs are trained at once, 1 or more; got {jobs}")


def train_at_once(plan: Plan, folder: StudyFolder, store: Store, jobs: int, observer: Observer, stop: Stop) -> None:
    """Let processes train what a plan lacks, and tell the observer of every run once it has ended.

    Returns when all processes have ended, be it that all is done, that they were asked to stop, or that they failed.

    Args:
        plan: what to do; its runs are in the store.
        folder: of the study.
        store: where the runs are recorded.
        jobs: how many processes.
        observer: told of everything.
        stop: says whether they should stop.
    """
    runs = {planned.spec.run_id: planned for planned in plan.runs}
    ended = {record.run_id for record in store.records() if record.state.is_final}
    jobs = min(jobs, len(runs.keys() - ended))
    task = json.dumps(_task(plan, folder, store, jobs))
    processes = [_process(task, jobs) for _ in range(jobs)]
    try:
        while alive := [process for process in processes if process.poll() is None]:
            if stop.why():
                for process in alive:
                    process.terminate()
                for process in alive:  # each saves itself at its next step
                    process.wait()
            else:
                time.sleep(LOOK_SECONDS)
            records = [record for record in store.records() if record.run_id in runs]
            for record in records:
                if record.state.is_final and record.run_id not in ended:
                    ended.add(record.run_id)
                    _tell(runs[record.run_id], record, observer)
            observer.training(_done(records, runs), len(alive))
    finally:
        for process in processes:
            assert process.stdin
            with suppress(BrokenPipeError):
                process.stdin.close()  # which stops it, if it is there still
    failed = [process.returncode for process in processes if process.returncode not in (0, -signal.SIGTERM)]
    if failed and not stop.why():
        observer.progress(Notice(f"{len(failed)} of {jobs} processes failed; what they left is trained by this one"))


def threads_of_each(jobs: int) -> int:
    """Return how many threads each of several processes has, so that together they have one for each core."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return max(1, cores // jobs)


def _process(task: str, jobs: int) -> "subprocess.Popen[str]":
    environment = {"OMP_NUM_THREADS": str(threads_of_each(jobs)), **os.environ}
    process = subprocess.Popen(
        [sys.executable, "-m", "bakeoff.study.job"],
        stdin=subprocess.PIPE,
        text=True,
        env=environment,
        start_new_session=True,  # Ctrl-C is for the process that started it, which asks it to stop
    )
    assert process.stdin
    with suppress(BrokenPipeError):  # it failed at once, as its status will say
        process.stdin.write(task + "\n")
        process.stdin.flush()
    return process


def _task(plan: Plan, folder: StudyFolder, store: Store, jobs: int) -> dict[str, Any]:
    where = plan.where
    return {
        "study": plan.study.content(),
        "data_dir": str(where.data_dir.resolve()) if where.data_dir else None,
        "cache": str(where.cache.resolve()),
        "offline": where.offline,
        "device": str(plan.device),
        "folder": str(folder.path),
        "database": store.url,
        "jobs": jobs,
    }


def _tell(planned: PlannedRun, record: RunRecord, observer: Observer) -> None:
    """Tell of a run as if it had been trained here, in a moment."""
    observer.run_started(planned, False)
    for row in record.epochs:
        observer.progress(row)
    observer.run_ended(record)


def _done(records: Collection[RunRecord], runs: Mapping[str, PlannedRun]) -> float:
    """Return how many runs are done, with those that go on counted in part."""
    return sum(
        1.0 if record.state.is_final else len(record.epochs) / runs[record.run_id].spec.recipe.epochs
        for record in records
    )
