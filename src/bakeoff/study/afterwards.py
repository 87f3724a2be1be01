"""What a study measures of its finished runs besides, on their saved weights: nothing is trained for it."""

import traceback
from collections.abc import Callable, Iterable

from bakeoff.errors import BakeoffError, InterruptedRunError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.run.robustness import PART, measure_robustness
from bakeoff.store.database import Event, Store
from bakeoff.store.folder import StudyFolder
from bakeoff.study.plan import Plan

FAILED = "robustness failed"  # the kind of an event that says why


def measure_what_is_asked(
    plan: Plan, folder: StudyFolder, store: Store, stop_requested: Callable[[], bool], tell: Callable[[str], None]
) -> bool:
    """Judge finished runs on corrupted images where the protocol asks for it; return whether none is left.

    A run for which it fails is logged, and the others go on; `unmeasured` returns it.

    Args:
        plan: of the study.
        folder: of the study.
        store: gets the figures.
        stop_requested: asked now and then; what is done by then stays.
        tell: told the name of each run before it is judged.
    """
    if not plan.study.protocol.robustness:
        return True
    records = {record.run_id: record for record in store.records()}
    judged = {event.run_id: event.detail for event in store.events() if event.kind == "test opened"}
    for planned in plan.runs:
        run_id = planned.spec.run_id
        record = records[run_id]
        if record.state is not RunState.FINISHED or PART in record.metrics:
            continue
        if stop_requested():
            return False
        tell(f"{planned.spec.model.title}, {planned.spec.turn}, on corrupted images")
        run = folder.run(planned.spec, run_id)
        try:
            found = measure_robustness(
                planned,
                plan.images,
                plan.split_of(planned.spec),
                run,
                plan.device,
                judged.get(run_id, ""),
                stop_requested,
            )
        except InterruptedRunError:
            return False
        except BakeoffError as error:
            store.note(run_id, FAILED, str(error))
            continue
        except Exception as error:  # any fault of one run, so that the others go on
            store.note(run_id, "traceback", traceback.format_exc())
            store.note(run_id, FAILED, f"{type(error).__name__}: {error}")
            continue
        store.add_metrics(run_id, PART, found)
        store.note(run_id, "robustness", judged[run_id])
    return True


def unmeasured(records: Iterable[RunRecord], events: Iterable[Event]) -> tuple[tuple[RunRecord, str], ...]:
    """Return the finished runs that could not be judged on corrupted images, and why the last time."""
    why = {event.run_id: event.detail for event in events if event.kind == FAILED}
    return tuple(
        (record, why[record.run_id])
        for record in records
        if record.state is RunState.FINISHED and PART not in record.metrics and record.run_id in why
    )
