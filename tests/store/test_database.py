"""The store: what goes in comes out, from one process or several."""

import math
import multiprocessing
import sqlite3
from dataclasses import astuple
from pathlib import Path
from uuid import uuid4

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bakeoff.errors import StoreError
from bakeoff.records.run import Cost, Deviation, EpochRow, ParameterCount, RunRecord, RunState, Timing
from bakeoff.specs.run import RunSpec
from bakeoff.store.database import Store
from bakeoff.store.schema import VERSION

STUDY = {"what": "a study"}
number = st.floats(allow_nan=True, allow_infinity=True)
text = st.text(st.characters(blacklist_categories=["Cs"], blacklist_characters="\x00"), max_size=300)


def spec(seed: int = 0, model: str = "simcnn") -> RunSpec:
    return RunSpec.parse({"data": {"name": "d"}, "model": {"name": model}, "recipe": {}, "protocol": {}, "seed": seed})


def alike(ours: object, theirs: object) -> bool:
    """Equality in which nan equals nan."""
    if isinstance(ours, tuple | list):
        return len(ours) == len(theirs) and all(map(alike, ours, theirs))
    return ours == theirs or (ours != ours and theirs != theirs)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.tuples(number, number, number, st.none() | number), max_size=4),
    st.dictionaries(text.filter(bool), number, max_size=4),
    text,
    text,
)
def test_a_record_comes_back_as_it_was(tmp_path: Path, rows: list, values: dict, words: str, error: str):
    store = Store(f"sqlite:///{tmp_path / uuid4().hex}.db", "s", STUDY)
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
    store.finish(record)
    (found,) = store.records()
    store.close()
    assert alike([astuple(row) for row in found.epochs], [astuple(row) for row in record.epochs])
    assert found.metrics.keys() == record.metrics.keys()
    assert alike(*(sorted(each.get("test", {}).items()) for each in (found.metrics, record.metrics)))
    for field in ("spec", "state", "best_epoch", "parameters", "cost", "deviations", "environment", "error"):
        assert getattr(found, field) == getattr(record, field)


def test_a_cost_of_an_older_version_is_read(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'a.db'}", "s", STUDY)
    store.add([spec()])
    old = '{"train_seconds": 1, "total_seconds": 2, "images_per_second": 3, "peak_memory_bytes": 4, "weights_bytes": 5}'
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("update run set cost = ?", [old])
    assert store.records()[0].cost == Cost(1, 2, 3, 4, 5)
    assert (Cost(1, 2, 3, 4, 5).macs, Cost(1, 2, 3, 4, 5).latency) == (None, None)


def test_runs_are_added_once_and_keep_their_order(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'a.db'}", "s", STUDY)
    store.add([spec(2), spec(0)])
    store.start(spec(2).run_id, "me")
    store.add([spec(1), spec(2), spec(0)])
    found = store.records()
    assert [record.spec.seed for record in found] == [2, 0, 1]
    assert found[0].state is RunState.RUNNING
    assert [event.kind for event in store.events()] == ["started"]


def test_an_epoch_trained_again_replaces_the_ones_after_it(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'a.db'}", "s", STUDY)
    store.add([spec()])
    for epoch, loss in [(1, 1.0), (2, 2.0), (3, 3.0), (2, 9.0)]:
        store.epoch_ended(spec().run_id, EpochRow(epoch, 0.1, loss, 0.5, None, None, 1.0, 1.0))
    assert [(row.epoch, row.train_loss) for row in store.records()[0].epochs] == [(1, 1.0), (2, 9.0)]


def test_studies_in_one_database_do_not_see_each_other(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    ours, theirs = Store(url, "ours", STUDY), Store(url, "theirs", STUDY)
    ours.add([spec()])
    assert theirs.records() == []
    with pytest.raises(StoreError, match="no study nobody's"):
        Store(url, "nobody's")


def test_a_newer_database_is_refused(tmp_path: Path):
    path = tmp_path / "a.db"
    Store(f"sqlite:///{path}", "s", STUDY).close()
    with sqlite3.connect(path) as connection:
        connection.execute(f"UPDATE study SET schema_version = {VERSION + 1}")
    with pytest.raises(StoreError, match="newer bakeoff.*update bakeoff"):
        Store(f"sqlite:///{path}", "s", STUDY)


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be looked at" * 40])
def test_a_file_that_is_no_database_is_one_sentence(tmp_path: Path, content: bytes):
    path = tmp_path / "a.db"
    path.write_bytes(content)
    with pytest.raises(StoreError, match="cannot open the database"):
        Store(f"sqlite:///{path}", "s", STUDY)


def _write_runs(url: str, worker: int) -> None:
    store = Store(url, "s", STUDY)
    for seed in range(20):
        run = spec(seed, f"m{worker}")
        store.add([run])
        store.start(run.run_id, str(worker))
        store.finish(RunRecord(run, RunState.FINISHED, metrics={"test": {"accuracy": seed / 20}}))
    store.close()


def test_several_processes_write_at_once(tmp_path: Path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    context = multiprocessing.get_context("spawn")
    workers = [context.Process(target=_write_runs, args=(url, number)) for number in range(4)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert [worker.exitcode for worker in workers] == [0] * 4
    found = Store(url, "s", STUDY).records()
    assert len({record.run_id for record in found}) == len(found) == 80
    assert all(record.state is RunState.FINISHED and record.attempts == 1 for record in found)


def test_nan_is_not_null(tmp_path: Path):
    path = tmp_path / "a.db"
    store = Store(f"sqlite:///{path}", "s", STUDY)
    store.add([spec()])
    store.epoch_ended(spec().run_id, EpochRow(1, 0.1, math.nan, 0.5, math.inf, None, 1.0, 1.0))
    (row,) = store.records()[0].epochs
    assert math.isnan(row.train_loss)
    assert row.val_loss == math.inf
    assert row.val_accuracy is None


def test_an_attempt_that_ends_early_keeps_the_epochs_of_earlier_ones(tmp_path: Path):
    store = Store(f"sqlite:///{tmp_path / 'a.db'}", "s", STUDY)
    store.add([spec()])
    epochs = [EpochRow(number, 0.1, 1.0, 0.5, 1.0, 0.5, 1.0, 100.0) for number in range(1, 6)]
    for row in epochs[:3]:
        store.epoch_ended(spec().run_id, row)
    store.finish(RunRecord(spec(), RunState.INTERRUPTED, epochs=tuple(epochs[3:])))
    assert [row.epoch for row in store.records()[0].epochs] == [1, 2, 3, 4, 5]
    store.finish(RunRecord(spec(), RunState.INTERRUPTED))
    assert len(store.records()[0].epochs) == 5
    store.finish(RunRecord(spec(), RunState.FINISHED, epochs=tuple(epochs)))
    store.finish(RunRecord(spec(), RunState.FAILED, error="late"))
    assert store.records()[0].state is RunState.FINISHED
    store.close()
