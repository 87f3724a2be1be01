"""Runs and records to put into stores."""

import multiprocessing
import os
import signal
from collections.abc import Callable
from typing import Any

from sqlalchemy import Engine, event

from bakeoff.records.run import Cost, Deviation, EpochRow, ParameterCount, RunRecord, RunState
from bakeoff.specs.run import RunSpec
from bakeoff.store.claims import Claim
from bakeoff.store.database import Store

STUDY = {"what": "a study"}
ELSEWHERE = "elsewhere:1:deadbeef:1"  # a worker on another machine, of which nothing can be asked
EPOCH = EpochRow(1, 0.1, 1.0, 0.5, None, None, 1.0, 100.0)

context = multiprocessing.get_context("forkserver")  # a child of a clean process starts fast and holds no connection
context.set_forkserver_preload(["bakeoff.store.database", "bakeoff.store.worker", "hypothesis", "pytest", "runs"])


def spec(seed: int = 0, model: str = "simcnn") -> RunSpec:
    return RunSpec.parse({"data": {"name": "d"}, "model": {"name": model}, "recipe": {}, "protocol": {}, "seed": seed})


def finished(seed: int = 0, model: str = "simcnn", epochs: int = 1) -> RunRecord:
    return RunRecord(
        spec(seed, model),
        RunState.FINISHED,
        tuple(EpochRow(number, 0.1, 1 / number, 0.5, None, None, 1.0, 100.0) for number in range(1, epochs + 1)),
        epochs,
        {"val": {"accuracy": 0.5}, "test": {"accuracy": seed / 1000, "loss": 1.0}},
        ParameterCount(3, 2, 1),
        Cost(1.0, 2.0, 3.0, 4, 5),
        (Deviation("a", "b", "c", "d"),),
        {"device": "cpu"},
    )


def take(store: Store, run_id: str, worker: str = ELSEWHERE) -> Claim:
    claim = store.claim([run_id], worker)
    assert claim is not None
    return claim


def at_once(target: Callable[..., None], arguments: list[tuple[Any, ...]], seconds: float = 300) -> None:
    """Call a function in one process for every tuple of arguments, all at the same moment, and expect no failure.

    The first argument that it is given is a barrier, to wait at before what is to happen at once.
    """
    barrier = context.Barrier(len(arguments))
    children = [context.Process(target=target, args=(barrier, *given)) for given in arguments]
    for child in children:
        child.start()
    for child in children:
        child.join(seconds)
    assert [child.exitcode for child in children] == [0] * len(children)


def die_at(number: int) -> None:
    """Kill this process right before the database is given its change of that number, from 0; a commit is one too."""

    def count(*given: Any) -> None:
        nonlocal number
        if len(given) == 1 or given[2].lstrip().startswith(("INSERT", "UPDATE", "DELETE", "CREATE", "ALTER")):
            number -= 1
            if number < 0:
                os.kill(os.getpid(), signal.SIGKILL)

    event.listen(Engine, "before_cursor_execute", count)
    event.listen(Engine, "commit", count)


def killed_at(number: int, work: Callable[..., None], *arguments: Any) -> bool:
    """Do work in a process that is killed at a change of the database; return whether it came that far."""
    child = context.Process(target=_die_at, args=(number, work, *arguments))
    child.start()
    child.join(300)
    assert child.exitcode in (0, -signal.SIGKILL)
    return child.exitcode != 0


def _die_at(number: int, work: Callable[..., None], *arguments: Any) -> None:
    die_at(number)
    work(*arguments)
