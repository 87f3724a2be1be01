"""Run what a study still lacks. A run that fails is recorded, and the study goes on."""

import time
from dataclasses import dataclass

from bakeoff.records.run import RunRecord
from bakeoff.store.worker import name_of
from bakeoff.study.afterwards import measure_what_is_asked, unmeasured
from bakeoff.study.begin import Begun
from bakeoff.study.bench import Bench, clear_checkpoints
from bakeoff.study.jobs import LOOK_SECONDS, Crew
from bakeoff.study.observer import Observer
from bakeoff.study.stopping import Stop, stopping


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


def execute(study: Begun, observer: Observer, stop: Stop, crew: Crew | None) -> Outcome:
    """Train every run of a study that is not done: first by the crew, then what is left one after the other.

    Other processes may do the same at once, each with runs of its own; at the end, those of the others are waited for.

    Args:
        study: what to do, and where.
        observer: told of everything.
        stop: says whether training should save itself and stop.
        crew: processes that train several runs at once.
    """
    plan, store = study.plan, study.store
    for record in study.before:  # of a run that was killed after it was recorded
        clear_checkpoints(study.folder, record)
    if study.gained:
        observer.joined(study.gained)
    observer.study_started(len(study.runs), sum(record.state.is_final for record in study.before))
    with stopping(stop, observer.stopping):
        if crew:
            crew.watch(study, observer, stop)
        bench = Bench(study, observer, stop)
        while not stop.why():
            if bench.train_next():
                continue
            others = sorted(name_of(who) for run_id, who in store.workers().items() if run_id in study.runs)
            if not others:
                break
            observer.waiting(others)
            time.sleep(LOOK_SECONDS)
        measured = measure_what_is_asked(plan, study.folder, store, lambda: bool(stop.why()), observer.measuring)
        records = study.records()
        failed = unmeasured(records, store.events()) if plan.study.protocol.robustness else ()
        if measured and all(record.state.is_final for record in records):
            return Outcome(records, "", unmeasured=failed)
        return Outcome(records, stop.why(), stop.signalled, failed)
