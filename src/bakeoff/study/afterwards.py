"""What a study measures of its finished runs besides, on their saved weights: nothing is trained for it."""

import traceback
from collections.abc import Callable

from bakeoff.errors import InterruptedRunError
from bakeoff.records.run import RunState
from bakeoff.run.robustness import PART, measure_robustness
from bakeoff.store.database import Store
from bakeoff.store.folder import StudyFolder
from bakeoff.study.plan import Plan


def measure_what_is_asked(
    plan: Plan, folder: StudyFolder, store: Store, stop_requested: Callable[[], bool], tell: Callable[[str], None]
) -> bool:
    """Judge finished runs on corrupted images where the protocol asks for it; return whether none is left.

    A run for which it fails is logged, and the others go on.

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
        except Exception:  # of one run, so that the others go on
            store.note(run_id, "robustness failed", traceback.format_exc())
            continue
        store.add_metrics(run_id, PART, found)
        store.note(run_id, "robustness", judged[run_id])
    return True
