"""The store: what goes in comes out, whichever database it is."""

import math
import sqlite3
from dataclasses import astuple
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from runs import ELSEWHERE, STUDY, finished, spec, take

from bakeoff.errors import StoreError
from bakeoff.records.run import Cost, Deviation, EpochRow, ParameterCount, RunRecord, RunState, Timing
from bakeoff.store.database import Store

number = st.floats(allow_nan=True, allow_infinity=True)
text = st.text(st.characters(exclude_categories=()), max_size=300)  # halves of surrogate pairs and NUL as well
NASTY = "\x00 \ud800 \x1a0000 \x1a \\x00 NaN é 🙂 ' \" ; -- \n" + "long " * 20_000


def alike(ours: object, theirs: object) -> bool:
    """Equality in which nan equals nan."""
    if isinstance(ours, tuple | list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    return ours == theirs or (ours != ours and theirs != theirs)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(number, number, number, st.none() | number), max_size=4),
    st.dictionaries(text.filter(bool), number, max_size=4),
    text,
    text,
)
@example([(math.nan, math.inf, -math.inf, None), (-0.0, 5e-324, 1.7976931348623157e308, 0.1)], {}, NASTY, NASTY)
def test_a_record_comes_back_as_it_was(url: str, rows: list, values: dict, words: str, error: str):
    store = Store(url, uuid4().hex, STUDY)
    store.add([spec()])
    record = RunRecord(
        spec(),
        RunState.DIVERGED,
        tuple(EpochRow(i + 1, a, b, 0.5, d, None, c, 1.0) for i, (a, b, c, d) in enumerate(rows)),
        3,
        {"test": values} if values else {},
        ParameterCount(3, 2, 1),
        Cost(1.5, 2.5, 3.5, 10**12, 7, macs=5, latency=Timing(1, 0.5, 0.4, 0.6, 9), joules=0.5, joules_of="gpu"),
        (Deviation(words, "a", "b", words),),
        {"device": words},
        error,
    )
    claim = take(store, spec().run_id, words)
    store.log(claim, "traceback", words)
    assert [event.detail for event in store.events()][1:] == [words]
    store.finish(claim, record)
    (found,) = store.records()
    store.close()
    assert alike([astuple(row) for row in found.epochs], [astuple(row) for row in record.epochs])
    assert found.metrics.keys() == record.metrics.keys()
    assert alike(*(sorted(each.get("test", {}).items()) for each in (found.metrics, record.metrics)))
    for field in ("spec", "state", "best_epoch", "parameters", "cost", "deviations", "environment", "error"):
        assert getattr(found, field) == getattr(record, field)


def test_a_cost_of_an_older_version_is_read(tmp_path):
    store = Store(f"sqlite:///{tmp_path / 'a.db'}", "s", STUDY)
    store.add([spec()])
    old = '{"train_seconds": 1, "total_seconds": 2, "images_per_second": 3, "peak_memory_bytes": 4, "weights_bytes": 5}'
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("update run set cost = ?", [old])
    assert store.records()[0].cost == Cost(1, 2, 3, 4, 5)
    assert (Cost(1, 2, 3, 4, 5).macs, Cost(1, 2, 3, 4, 5).latency) == (None, None)


def test_nan_is_not_null(url: str):
    store = Store(url, "s", STUDY)
    store.add([spec()])
    claim = take(store, spec().run_id)
    store.epoch_ended(claim, EpochRow(1, 0.1, math.nan, 0.5, math.inf, None, 1.0, 1.0))
    (row,) = store.records()[0].epochs
    store.close()
    assert math.isnan(row.train_loss)
    assert row.val_loss == math.inf
    assert row.val_accuracy is None


def test_runs_are_added_once_and_keep_their_order(url: str):
    store = Store(url, "s", STUDY)
    store.add([spec(2), spec(0)])
    take(store, spec(2).run_id)
    store.add([spec(1), spec(2), spec(0)])
    found = store.records()
    assert [record.spec.seed for record in found] == [2, 0, 1]
    assert found[0].state is RunState.RUNNING
    assert [event.kind for event in store.events()] == ["started"]
    store.close()


def test_an_epoch_trained_again_replaces_the_ones_after_it(url: str):
    store = Store(url, "s", STUDY)
    store.add([spec()])
    claim = take(store, spec().run_id)
    for epoch, loss in [(1, 1.0), (2, 2.0), (3, 3.0), (2, 9.0)]:
        store.epoch_ended(claim, EpochRow(epoch, 0.1, loss, 0.5, None, None, 1.0, 1.0))
    assert [(row.epoch, row.train_loss) for row in store.records()[0].epochs] == [(1, 1.0), (2, 9.0)]
    store.close()


def test_studies_in_one_database_do_not_see_each_other(url: str):
    ours, theirs = Store(url, "ours", STUDY), Store(url, "theirs", STUDY)
    ours.add([spec()])
    assert theirs.records() == []
    assert theirs.claim([spec().run_id], ELSEWHERE) is None
    with pytest.raises(StoreError, match="no study nobody's"):
        Store(url, "nobody's")
    ours.close()
    theirs.close()


def test_an_attempt_that_ends_early_keeps_the_epochs_of_earlier_ones_and_every_attempt_its_history(url: str):
    store = Store(url, "s", STUDY)
    store.add([spec()])
    epochs = finished(epochs=5).epochs
    claim = take(store, spec().run_id)
    for row in epochs[:3]:
        store.epoch_ended(claim, row)
    store.finish(claim, RunRecord(spec(), RunState.INTERRUPTED, epochs=tuple(epochs[3:]), error="stopped"))
    assert [row.epoch for row in store.records()[0].epochs] == [1, 2, 3, 4, 5]
    store.finish(take(store, spec().run_id), RunRecord(spec(), RunState.FAILED, error="too hot"))
    assert len(store.records()[0].epochs) == 5
    store.retry_failed([spec().run_id])
    store.finish(take(store, spec().run_id), finished(epochs=5))
    assert [(event.attempt, event.kind, event.detail) for event in store.events()] == [
        (1, "started", "elsewhere:1"),
        (1, "interrupted", "stopped"),
        (2, "started", "elsewhere:1"),
        (2, "failed", "too hot"),
        (3, "started", "elsewhere:1"),
        (3, "finished", ""),
    ]
    (record,) = store.records()
    assert (record.state, record.attempts, record.error) == (RunState.FINISHED, 3, "")
    assert store.claim([spec().run_id], ELSEWHERE) is None
    store.close()
