"""The time, by this machine's clock and by the database's; always as ISO 8601 in UTC."""

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.sql.functions import FunctionElement


def now() -> str:
    """Return the time by the clock of this machine."""
    return datetime.now(UTC).isoformat(timespec="milliseconds")


def seconds_between(earlier: str, later: str) -> float:
    """Return the seconds from one time to another."""
    return (datetime.fromisoformat(later) - datetime.fromisoformat(earlier)).total_seconds()


class database_time(FunctionElement[str]):  # noqa: N801
    """The time by the clock of the database, as ISO 8601 in UTC: workers on several machines share no other clock."""

    type = String()
    inherit_cache = True


@compiles(database_time, "sqlite")
def _(*_: Any, **__: Any) -> str:
    return "strftime('%Y-%m-%dT%H:%M:%f+00:00', 'now')"


@compiles(database_time, "postgresql")
def _(*_: Any, **__: Any) -> str:
    return """to_char(clock_timestamp() AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.MS"+00:00"')"""
