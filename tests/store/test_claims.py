"""Claims: a run has one worker at most, none is lost, and who lost a run writes nothing more of it."""

import os
import signal
import subprocess
import sys
from collections import Counter
from dataclasses import replace

import pytest
from runs import ELSEWHERE, EPOCH, STUDY, at_once, context, finished, spec, take
from sqlalchemy import text

from bakeoff.errors import LostClaimError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.store.claims import MOST_DEATHS, SILENT_SECONDS
from bakeoff.store.database import Store
from bakeoff.store.engine import open_database
from bakeoff.store.worker import Worker, name_of

EIGHT = [spec(seed).run_id for seed in range(8)]


def change(url: str, statement: str) -> None:
    engine = open_database(url)
    with engine.begin() as connection:
        connection.execute(text(statement))
    engine.dispose()


def silence(url: str, seconds: float) -> None:
    """Set the last beat of every running run back."""
    if url.startswith("sqlite"):
        value = f"strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now', '-{seconds} seconds')"
    else:
        value = (
            f"to_char((clock_timestamp() - interval '{seconds} seconds') AT TIME ZONE 'UTC', "
            """'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')"""
        )
    change(
        url, f"UPDATE run SET heartbeat = {value} WHERE state = 'running'".replace(":M", r"\:M").replace(":S", r"\:S")
    )


def _train_all(barrier, url: str, worker: int, runs: int) -> None:
    barrier.wait()
    store = Store(url, "s", STUDY)
    store.add(spec(seed, f"m{worker}") for seed in range(runs))
    wanted = {spec(seed, f"m{number}").run_id: (seed, f"m{number}") for seed in range(runs) for number in range(8)}
    while claim := store.claim(wanted, str(Worker.current())):
        seed, model = wanted[claim.run_id]
        store.epoch_ended(claim, EPOCH)
        store.finish(claim, finished(seed, model))
    store.close()


@pytest.mark.parametrize("runs", [25, pytest.param(200, marks=pytest.mark.slow)])
def test_of_what_eight_processes_do_at_once_nothing_is_lost_or_doubled(url: str, runs: int):
    at_once(_train_all, [(url, number, runs) for number in range(8)], seconds=900)
    store = Store(url, "s")
    records = store.records()
    expected = {
        spec(seed, f"m{number}").run_id: finished(seed, f"m{number}") for seed in range(runs) for number in range(8)
    }
    assert {record.run_id for record in records} == expected.keys()
    assert len(records) == 8 * runs
    for record in records:
        wanted = expected[record.run_id]
        assert (record.state, record.attempts) == (RunState.FINISHED, 1)
        assert (record.metrics, record.epochs, record.cost) == (wanted.metrics, wanted.epochs, wanted.cost)
    assert Counter((event.run_id, event.kind) for event in store.events()) == {
        (run_id, kind): 1 for run_id in expected for kind in ("started", "finished")
    }
    store.close()


def _take_one(barrier, url: str, found) -> None:
    store = Store(url, "s")
    barrier.wait()
    found.put(store.claim(EIGHT[:1], str(Worker.current())) is not None)
    barrier.wait()  # who ended earlier would be taken over in turn
    store.close()


def test_of_those_who_take_a_run_over_at_once_one_gets_it(url: str):
    store = Store(url, "s", STUDY)
    store.add([spec()])
    old = take(store, EIGHT[0])
    silence(url, SILENT_SECONDS + 5)
    with context.Manager() as manager:
        found = manager.Queue()
        at_once(_take_one, [(url, found)] * 8)
        assert sorted(found.get() for _ in range(8)) == [False] * 7 + [True]
    assert store.records()[0].attempts == 2
    with pytest.raises(LostClaimError):
        store.finish(old, finished())
    store.close()


def _claim_and_hang(url: str, claimed) -> None:
    store = Store(url, "s")
    store.epoch_ended(take(store, EIGHT[0], str(Worker.current())), EPOCH)
    claimed.set()
    signal.pause()


def test_a_run_of_a_living_process_is_its_own_and_of_a_dead_one_anybodys(url: str):
    store = Store(url, "s", STUDY)
    store.add([spec()])
    claimed = context.Event()
    child = context.Process(target=_claim_and_hang, args=(url, claimed), daemon=True)  # ends with a failed test, too
    child.start()
    assert claimed.wait(300)
    assert store.claim(EIGHT, ELSEWHERE) is None
    assert [name_of(who) for who in store.workers().values()] == [f"{os.uname().nodename}:{child.pid}"]
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    assert store.claim(EIGHT, ELSEWHERE).attempt == 2
    assert [event.kind for event in store.events()] == ["started", "lost", "started"]
    assert f":{child.pid} has died" in store.events()[1].detail
    assert len(store.records()[0].epochs) == 1
    store.close()


def test_who_was_silent_for_long_loses_a_run_and_cannot_write(url: str):
    store = Store(url, "s", STUDY)
    store.add([spec()])
    old = take(store, EIGHT[0])
    silence(url, SILENT_SECONDS - 20)
    assert store.claim(EIGHT, "other:1:0:0") is None
    silence(url, SILENT_SECONDS + 20)
    store.beat(old)
    assert store.claim(EIGHT, "other:1:0:0") is None, "a beat in time counts"
    silence(url, SILENT_SECONDS + 20)
    new = store.claim(EIGHT, "other:1:0:0")
    before = store.records(), store.events()
    for write in (
        lambda: store.beat(old),
        lambda: store.epoch_ended(old, replace(EPOCH, train_loss=9.0)),
        lambda: store.log(old, "test opened", "late"),
        lambda: store.finish(old, finished(7)),
        lambda: store.finish(old, RunRecord(spec(), RunState.FAILED, error="late")),
    ):
        with pytest.raises(LostClaimError, match="was taken over"):
            write()
    assert (store.records(), store.events()) == before
    store.finish(new, finished())
    with pytest.raises(LostClaimError):
        store.finish(old, RunRecord(spec(), RunState.FAILED, error="later still"))
    with pytest.raises(LostClaimError):
        store.finish(new, RunRecord(spec(), RunState.FAILED, error="twice"))
    assert store.records()[0].state is RunState.FINISHED
    store.close()


def test_a_run_that_kills_its_workers_comes_last_and_is_given_up(url: str):
    store = Store(url, "s", STUDY)
    store.add([spec(0), spec(1), spec(2)])
    deadly, other, last = EIGHT[:3]

    def die(expected: str) -> None:
        assert store.claim(EIGHT, ELSEWHERE).run_id == expected
        silence(url, SILENT_SECONDS + 5)

    die(deadly)
    die(deadly)  # was cut off, and is gone on with
    done = store.claim(EIGHT, ELSEWHERE)
    assert done.run_id == other, "what killed twice comes after what killed nobody"
    store.finish(done, finished(1))
    store.finish(store.claim(EIGHT, ELSEWHERE), finished(2))
    die(deadly)
    store.epoch_ended(store.claim(EIGHT, ELSEWHERE), EPOCH)  # which clears it of the deaths before
    silence(url, SILENT_SECONDS + 5)
    for _ in range(MOST_DEATHS - 1):
        die(deadly)
    assert store.claim(EIGHT, ELSEWHERE) is None
    record = store.records()[0]
    assert record.state is RunState.FAILED
    assert record.error.startswith(f"{MOST_DEATHS} workers died in this run without an epoch between them")
    store.retry_failed([other, last])
    assert store.claim(EIGHT, ELSEWHERE) is None
    store.retry_failed(EIGHT)
    assert store.claim(EIGHT, ELSEWHERE).run_id == deadly
    store.close()


def test_a_process_of_the_same_number_is_not_the_same_worker():
    me = Worker.current()
    assert Worker.parse(str(me)) == me
    assert not me.has_died
    assert replace(me, started="1").has_died, "the number was given to this process after the worker's end"
    assert not replace(me, place="0", started="1").has_died, "nothing is known of another machine or container"
    assert Worker.parse("host:3") is None
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    theirs = replace(me, pid=child.pid, started="")
    assert not theirs.has_died
    child.kill()
    os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)  # it has ended, and nobody has asked how
    assert replace(theirs, started=me.started).has_died
    child.wait()
    assert theirs.has_died
