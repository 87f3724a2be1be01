"""Open a database by its URL. Whatever goes wrong is one sentence, in which no password is."""

import logging
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError

from bakeoff.errors import StoreError
from bakeoff.store.migrate import migrate
from bakeoff.store.network import network_file_system

BUSY_SECONDS = 60  # to wait for another process that is writing to SQLite
CONNECT_SECONDS = 10  # to wait for a server

logger = logging.getLogger(__name__)


def open_database(url: str) -> Engine:
    """Return an engine for a database whose tables are there and of the current version.

    Args:
        url: `sqlite:///FILE` or `postgresql://USER:PASSWORD@HOST/NAME`.

    Raises:
        StoreError: the database cannot be opened, is damaged, or is of a newer version.
    """
    engine = _engine(_parsed(url))
    try:
        with failing(engine, "cannot open the database", StoreError):
            migrate(engine)
    except BaseException:
        engine.dispose()  # whose connections would hold their locks
        raise
    return engine


def noted(url: str) -> str:
    """Return the URL of a database as it may be written down: without a password, and good in any folder."""
    parsed = _parsed(url)
    if parsed.get_backend_name() == "sqlite":
        return parsed.set(database=str(Path(parsed.database or "").resolve())).render_as_string()
    place = (parsed.host, parsed.port, parsed.database)
    return URL.create(parsed.drivername, parsed.username, None, *place, parsed.query).render_as_string()


@contextmanager
def failing(engine: Engine, what: str, kind: type[StoreError]) -> Iterator[None]:
    """Raise one sentence in place of a driver's error, such as 'WHAT postgresql://… : server closed the connection'."""
    try:
        yield
    except DBAPIError as error:
        reason = (str(error.orig).strip() or type(error.orig).__name__).splitlines()[0].rstrip(".")
        raise kind(f"{what} {engine.url!r}: {reason}") from error
    except UnicodeDecodeError as error:  # SQLite quotes what it stumbled over, and Python cannot read that
        raise kind(f"{what} {engine.url!r}: its description of the tables is damaged") from error


def _parsed(url: str) -> URL:
    try:
        parsed = make_url(url)
    except (ArgumentError, ValueError):  # not shown, since it may hold a password
        raise StoreError("the URL of the database is not one; write postgresql://USER@HOST/NAME") from None
    name = parsed.get_backend_name()
    if name in ("postgresql", "postgres"):
        # A password among the parameters, which the driver prefers, is put where messages leave it out.
        passwords = [parsed.password or "", *parsed.normalized_query.get("password", ())]
        query = {name: value for name, value in parsed.query.items() if name != "password"}
        return parsed.set(drivername="postgresql+psycopg", password=passwords[-1] or None, query=query)
    if name != "sqlite":
        raise StoreError(f"there is no support for databases of {name!r}; choose from sqlite, postgresql")
    return parsed


def _engine(url: URL) -> Engine:
    if url.get_backend_name() == "sqlite":
        if url.database and (kind := network_file_system(Path(url.database))):
            logger.warning(
                "%s lies on a network file system (%s), where SQLite's locks may not hold: let one process at a time "
                "use it, or keep the runs in PostgreSQL (--database postgresql://...)",
                url.database,
                kind,
            )
        engine = create_engine(url, connect_args={"timeout": BUSY_SECONDS})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(url, connect_args={"connect_timeout": CONNECT_SECONDS}, pool_pre_ping=True)
    except ModuleNotFoundError:
        raise StoreError("PostgreSQL needs the package psycopg: pip install 'bakeoff[postgres]'") from None


def _prepare_sqlite(connection: Any, _: Any) -> None:
    connection.isolation_level = None  # transactions begin where we say so, and not at the first write
    cursor = connection.cursor()
    _write_ahead(cursor)
    cursor.execute("PRAGMA synchronous=FULL")  # what was committed survives a power cut
    cursor.execute("PRAGMA foreign_keys=ON")
    cursor.close()


def _write_ahead(cursor: sqlite3.Cursor) -> None:
    """Let readers not wait for a writer, nor a writer for them: a mode that a database keeps, once it is set."""
    until = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            cursor.execute("PRAGMA journal_mode=WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorname.startswith("SQLITE_READONLY"):
                return  # nobody writes here who could be waited for
            # SQLite waits for every lock but this one: two who set the mode at once could wait for each other
            if not error.sqlite_errorname.startswith("SQLITE_BUSY") or time.monotonic() > until:
                raise
        time.sleep(0.01)


def _begin_sqlite(connection: Connection) -> None:
    # A transaction that reads first and writes then fails if another has written in between; one that is to write
    # waits for its turn at the start.
    writes = connection.get_execution_options().get("writes", True)
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")
