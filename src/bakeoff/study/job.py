"""One of the processes that train runs of studies at once; see `bakeoff.study.jobs`.

The first line of its input is the task, as JSON. Where the input ends, the process that started it is gone, and this
one saves what it trains and stops.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

from bakeoff.data.locations import Locations
from bakeoff.errors import BakeoffError
from bakeoff.run.device import find_device
from bakeoff.specs.study import StudySpec
from bakeoff.store.database import Store
from bakeoff.store.folder import StudyFolder
from bakeoff.study.begin import Begun
from bakeoff.study.bench import Bench
from bakeoff.study.observer import Observer
from bakeoff.study.plan import make_plan
from bakeoff.study.stopping import Stop, stopping


def main() -> int:
    """Train what nobody trains of each study in turn; return the exit status."""
    task: Mapping[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_stop_with_input, daemon=True).start()
    try:
        for study in task["studies"]:
            if signalled := _train(study, task["jobs"]):
                return 128 + signalled
    except BakeoffError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 0


def _train(study: Mapping[str, Any], at_once: int) -> int:
    """Train what nobody trains of a study; return the number of the signal that stopped it, or 0."""
    where = Locations(Path(study["data_dir"]) if study["data_dir"] else None, Path(study["cache"]), study["offline"])
    plan = make_plan(StudySpec.parse(study["study"]), where, find_device(study["device"]))
    stop = Stop(None)
    store = Store(study["database"], plan.study_id, plan.study.content())
    with closing(store), stopping(stop, lambda: None):
        bench = Bench(Begun(plan, StudyFolder(Path(study["folder"])), store), Observer(), stop, at_once)
        while not stop.why() and bench.train_next():
            pass
    return stop.signalled


def _stop_with_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
