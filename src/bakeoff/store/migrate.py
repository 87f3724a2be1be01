"""Bring a database's tables to the version that this program knows."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import Connection, Engine, inspect, text
from sqlalchemy.exc import OperationalError

from bakeoff.errors import StoreError
from bakeoff.store.schema import VERSION

HEAD = f"{VERSION:04d}"
FIRST = "0001"  # which did not write its version down for Alembic
_LOCK = 0x62616B656F6666  # any number that nobody else locks in PostgreSQL


def migrate(engine: Engine) -> None:
    """Create the tables or bring them up to date, in one transaction. Several processes may do this at once.

    Raises:
        StoreError: a newer program wrote the database, another one's tables are in it, or they are of an older version
            and the database cannot be written here.
    """
    with engine.execution_options(writes=False).connect() as connection:
        if _version(connection) == HEAD:  # the usual case, for which Alembic is not imported
            return
    with _where_it_may_be_written(engine), engine.begin() as connection:
        one_at_a_time(connection)
        if (version := _version(connection)) != HEAD:
            _upgrade(connection, version)


@contextmanager
def _where_it_may_be_written(engine: Engine) -> Iterator[None]:
    try:
        yield
    except OperationalError as error:
        if not getattr(error.orig, "sqlite_errorname", "").startswith("SQLITE_READONLY"):
            raise
        raise StoreError(
            f"the database {engine.url!r} is of an older version and can only be read here; `bakeoff leaderboard` "
            "on its folder, run by somebody who may write there, brings it up to date"
        ) from None


def one_at_a_time(connection: Connection) -> None:
    """Wait until no other transaction has called this. In SQLite there is never more than one that writes."""
    if connection.dialect.name == "postgresql":
        connection.execute(text(f"SELECT pg_advisory_xact_lock({_LOCK})"))


def _version(connection: Connection) -> str | None:
    """Return the version of the tables; None where there are none."""
    tables = inspect(connection)
    if tables.has_table("alembic_version"):
        found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        return found
    return FIRST if tables.has_table("study") else None


def _upgrade(connection: Connection, version: str | None) -> None:
    from alembic import command
    from alembic.config import Config
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations").replace("%", "%%"))
    config.attributes["connection"] = connection
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if version is not None and version not in known:
        where = f"the database {connection.engine.url!r}"
        if not version.isdecimal():
            raise StoreError(f"{where} holds another program's tables; give bakeoff one of its own")
        raise StoreError(
            f"{where} was written by a newer bakeoff (its tables are of version {int(version)}, this one knows "
            f"{VERSION}); update bakeoff to open it"
        )
    if version == FIRST:
        command.stamp(config, FIRST)
    command.upgrade(config, "head")
