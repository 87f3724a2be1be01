"""Older databases are brought up to date, whoever opens them and whatever happens meanwhile; newer ones are refused."""

import math
import sqlite3
import subprocess
import sys
import threading
from contextlib import closing

import pytest
import version1
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from runs import ELSEWHERE, STUDY, at_once, finished, killed_at, spec, take
from sqlalchemy import text

from bakeoff.errors import StoreError
from bakeoff.records.run import RunState
from bakeoff.store.database import Store
from bakeoff.store.engine import open_database
from bakeoff.store.migrate import HEAD
from bakeoff.store.schema import VERSION, Table

IDS = [spec(seed).run_id for seed in range(3)]


def check_first_version(url: str) -> None:
    """Check that everything of a database of the first version is there, and that its runs can be gone on with."""
    store = Store(url, "s")
    done, failed, running = store.records()
    assert [run.state for run in (done, failed, running)] == [RunState.FINISHED, RunState.FAILED, RunState.RUNNING]
    assert [run.run_id for run in (done, failed, running)] == IDS
    assert (done.attempts, failed.error, done.metrics) == (2, "café", {"test": {"accuracy": 0.5}})
    assert math.isnan(done.epochs[0].train_loss)
    assert done.epochs[0].val_loss == math.inf
    assert [(event.run_id, event.attempt, event.kind) for event in store.events()] == [
        (IDS[0], 1, "started"),
        (IDS[1], 1, "started"),
        (IDS[0], 1, "interrupted"),
        (IDS[0], 2, "started"),
        (IDS[0], 2, "finished"),
    ]
    store.finish(take(store, IDS[2], ELSEWHERE), finished(2))
    assert store.claim(IDS, ELSEWHERE) is None, "what failed stays so"
    store.close()


def test_the_first_version_is_brought_up_to_date(url: str):
    version1.write(url)
    check_first_version(url)
    engine = open_database(url)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
        assert connection.execute(text("SELECT schema_version FROM study")).scalar() == VERSION
    engine.dispose()


def test_migrations_lead_to_the_tables_of_the_program(url: str):
    engine = open_database(url)
    with engine.connect() as connection:
        strict = connection.dialect.name == "postgresql"  # SQLite looks at no lengths, and is not altered
        context = MigrationContext.configure(connection, opts={"compare_type": strict})
        assert compare_metadata(context, Table.metadata) == []
    engine.dispose()


def _open(url: str) -> None:
    Store(url, "s", STUDY).close()


def _open_at_once(barrier, url: str) -> None:
    barrier.wait()
    _open(url)


@pytest.mark.parametrize("old", [True, False], ids=["first version", "nothing"])
def test_a_database_is_brought_up_to_date_once_by_many_openers(url: str, old: bool):
    if old:
        version1.write(url)
    at_once(_open_at_once, [(url,)] * 8)
    if old:
        check_first_version(url)
    engine = open_database(url)
    with engine.begin() as connection:
        assert connection.execute(text("SELECT count(*) FROM study")).scalar() == 1
        assert connection.execute(text("SELECT version_num FROM alembic_version")).scalars().all() == [HEAD]
    engine.dispose()


def test_a_migration_that_is_killed_happens_later(url: str):
    version1.write(url)
    for number in (1, 3, 6, 7):
        assert killed_at(number, _open, url)
    check_first_version(url)


def test_an_older_database_that_cannot_be_written_is_refused_and_left_as_it_is(tmp_path):
    database = tmp_path / "a.db"
    version1.write(f"sqlite:///{database}")
    with closing(sqlite3.connect(database)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")  # as it was written
    before = database.read_bytes()
    for how in ("mode=ro", "immutable=1"):
        with pytest.raises(StoreError, match=r"older version and can only be read here; `bakeoff leaderboard`"):
            Store(f"sqlite:///file:{database}?{how}&uri=true", "s")
    assert database.read_bytes() == before


def test_a_newer_database_and_another_programs_are_refused(url: str):
    Store(url, "s", STUDY).close()
    engine = open_database(url)
    for version, sentence in (
        ("0099", rf"was written by a newer bakeoff \(its tables are of version 99, this one knows {VERSION}\); update"),
        ("f00dfacade", "holds another program's tables; give bakeoff one of its own"),
    ):
        with engine.begin() as connection:
            connection.execute(text(f"UPDATE alembic_version SET version_num = '{version}'"))
        with pytest.raises(StoreError, match=sentence):
            Store(url, "s", STUDY)
    engine.dispose()


def test_the_library_for_migrations_is_only_loaded_where_there_is_one(tmp_path):
    url = f"sqlite:///{tmp_path / 'a.db'}"
    Store(url, "s", STUDY).close()
    look = f"from bakeoff.store.database import Store; Store({url!r}, 's')"
    watch = f"import sys; {look}; assert 'alembic' not in sys.modules"
    subprocess.run([sys.executable, "-c", watch], check=True)


def test_an_opener_waits_for_another_one_that_holds_the_file(tmp_path):
    database = tmp_path / "a.db"
    version1.write(f"sqlite:///{database}")  # not yet in the mode in which readers are not in the way
    other = sqlite3.connect(database, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")
    leave = threading.Timer(0.3, other.execute, ("COMMIT",))
    leave.start()
    check_first_version(f"sqlite:///{database}")
    leave.join()
    other.close()


def test_a_database_that_was_packed_elsewhere_is_read_where_it_cannot_be_written(tmp_path):
    database = tmp_path / "a.db"
    Store(f"sqlite:///{database}", "s", STUDY).close()
    with closing(sqlite3.connect(database)) as connection:
        assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    for how in ("mode=ro", "immutable=1"):
        store = Store(f"sqlite:///file:{database}?{how}&uri=true", "s")
        assert not store.records()
        store.close()
