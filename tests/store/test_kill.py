"""A process that is killed between any two statements leaves nothing half done, and another goes on."""

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from runs import STUDY, finished, killed_at, spec

from bakeoff.records.run import RunRecord, RunState
from bakeoff.store.database import Store
from bakeoff.store.worker import Worker

IDS = {spec(seed).run_id: seed for seed in range(3)}
ENDED = {0: finished(0, epochs=2), 1: RunRecord(spec(1), RunState.FAILED, error="hot"), 2: finished(2, epochs=2)}


def _work(url: str) -> None:
    store = Store(url, "s", STUDY)
    store.add(spec(seed) for seed in IDS.values())
    while claim := store.claim(IDS, str(Worker.current())):
        record = ENDED[IDS[claim.run_id]]
        for row in record.epochs:
            store.epoch_ended(claim, row)
        if record.metrics:
            store.log(claim, "test opened", "c0ffee")
        store.finish(claim, record)
    store.close()


def check(url: str) -> None:
    """Check that every run is in one of the states that it can be in, with all that belongs to it."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as connection:
            assert connection.execute("PRAGMA integrity_check").fetchall() == [("ok",)]
            assert connection.execute("PRAGMA foreign_key_check").fetchall() == []
    store = Store(url, "s", STUDY)
    records = store.records()
    assert len(records) in (0, 3)
    for record in records:
        wanted = ENDED[IDS[record.run_id]]
        events = [event for event in store.events() if event.run_id == record.run_id]
        kinds = [event.kind for event in events]
        assert record.attempts == kinds.count("started") == max((event.attempt for event in events), default=0)
        if record.state is RunState.PENDING:
            assert events == []
            assert record.epochs == ()
        elif record.state is RunState.RUNNING:
            assert kinds[-1] in ("started", "test opened")
            assert record.metrics == {}
            assert record.epochs == wanted.epochs[: len(record.epochs)]
        else:
            assert kinds[-1] == record.state == wanted.state
            assert (record.epochs, record.metrics, record.cost) == (wanted.epochs, wanted.metrics, wanted.cost)
            assert (record.error, record.environment) == (wanted.error, wanted.environment)
    store.close()


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_a_kill_between_two_statements_leaves_nothing_half_done(new_url: Callable[[], str], step: int):
    number = 0
    while killed_at(number, _work, url := new_url()):
        check(url)
        _work(url)
        check(url)
        number += step
    assert number > 30
    check(url)


def test_a_study_whose_process_is_killed_again_and_again_is_finished(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    kills = 0
    while killed_at(9 + 2 * kills, _work, url):
        check(url)
        kills += 1
    assert kills > 2
    check(url)
    store = Store(url, "s")
    assert [record.state for record in store.records()] == [RunState.FINISHED, RunState.FAILED, RunState.FINISHED]
    store.close()
