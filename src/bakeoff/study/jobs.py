"""Several runs at once on one machine: processes that share studies, each with its share of the processor's cores.

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
from typing import Any, Self

from bakeoff.errors import SpecError
from bakeoff.records.run import RunRecord
from bakeoff.run.resolve import PlannedRun
from bakeoff.study.begin import Begun
from bakeoff.study.observer import Observer
from bakeoff.study.stopping import Stop
from bakeoff.training.fit import Notice

LOOK_SECONDS = 1.0  # between looks at what other processes have done


def check_jobs(jobs: int) -> None:
    """Raise `SpecError` for a number of runs at once that there cannot be."""
    if jobs < 1:
        raise SpecError(f"jobs is how many runs are trained at once, 1 or more; got {jobs}")


class Crew:
    """Processes that train what several studies lack, in the order of the studies, until the end of the block.

    Each goes on with the next study once nothing is left in one that nobody trains, so that none waits for the others.

    Args:
        studies: whose runs.
        jobs: how many processes, of which no more are started than there are runs to train.
    """

    def __init__(self, studies: Collection[Begun], jobs: int) -> None:
        left = [sum(not record.state.is_final for record in study.before) for study in studies]
        jobs = min(jobs, sum(left))
        tasks = [_task(study) for study, lacks in zip(studies, left, strict=True) if lacks]
        task = json.dumps({"jobs": jobs, "studies": tasks})
        self._processes = [_process(task, jobs) for _ in range(jobs)]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        for process in self._processes:
            assert process.stdin
            with suppress(BrokenPipeError):
                process.stdin.close()  # which stops it, if it is there still
        if kind is None:  # after a second Ctrl-C nobody should wait
            for process in self._processes:
                process.wait()

    def watch(self, study: Begun, observer: Observer, stop: Stop) -> None:
        """Tell an observer of every run of a study once it has ended.

        Returns when all have, or when all processes have ended, be it that they were asked to stop or that they failed.

        Args:
            study: one of the crew's.
            observer: told of everything.
            stop: says whether the processes should stop.
        """
        ended = {record.run_id for record in study.before if record.state.is_final}
        while True:
            alive = self._alive()  # before the look, so that none ends between it and the last one
            records = study.records()
            for record in records:
                if record.state.is_final and record.run_id not in ended:
                    ended.add(record.run_id)
                    _tell(study.runs[record.run_id], record, observer)
            observer.training(_done(records, study.runs), len(alive))
            if not alive or len(ended) == len(study.runs):
                break
            if stop.why():
                for process in alive:
                    process.terminate()
                for process in alive:  # each saves itself at its next step
                    process.wait()
            else:
                time.sleep(LOOK_SECONDS)
        failed = [one.returncode for one in self._processes if one.returncode not in (None, 0, -signal.SIGTERM)]
        if failed and not stop.why():
            text = f"{len(failed)} of {len(self._processes)} processes failed; what they left is trained by this one"
            observer.progress(Notice(text))

    def _alive(self) -> "list[subprocess.Popen[str]]":
        return [process for process in self._processes if process.poll() is None]


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


def _task(study: Begun) -> dict[str, Any]:
    where = study.plan.where
    return {
        "study": study.plan.study.content(),
        "data_dir": str(where.data_dir.resolve()) if where.data_dir else None,
        "cache": str(where.cache.resolve()),
        "offline": where.offline,
        "device": str(study.plan.device),
        "folder": str(study.folder.path),
        "database": study.store.url,
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
