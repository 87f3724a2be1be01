"""One of the processes that train a study's runs at once; see `bakeoff.study.jobs`.

The first line of its input is the task, as JSON. Where the input ends, the process that started it is gone, and this
one saves what it trains and stops.
"""

import json
import os
import signal
import sys
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from bakeoff.data.locations import Locations
from bakeoff.errors import BakeoffError
from bakeoff.run.device import find_device
from bakeoff.specs.study import StudySpec
from bakeoff.store.database import Store
from bakeoff.store.folder import StudyFolder
from bakeoff.study.execute import execute
from bakeoff.study.observer import Observer
from bakeoff.study.plan import make_plan


def main() -> int:
    """Train what nobody trains of a study; return the exit status."""
    task: Mapping[str, Any] = json.loads(sys.stdin.readline())
    threading.Thread(target=_stop_with_input, daemon=True).start()
    where = Locations(Path(task["data_dir"]) if task["data_dir"] else None, Path(task["cache"]), task["offline"])
    try:
        plan = make_plan(StudySpec.parse(task["study"]), where, find_device(task["device"]))
        store = Store(task["database"], plan.study_id, plan.study.content())
        try:
            outcome = execute(plan, StudyFolder(Path(task["folder"])), store, Observer(), None, at_once=task["jobs"])
        finally:
            store.close()
    except BakeoffError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    return 128 + outcome.signalled if outcome.signalled else 0


def _stop_with_input() -> None:
    sys.stdin.read()
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    sys.exit(main())
