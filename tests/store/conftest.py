"""Both databases, for tests that must hold on either."""

from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import postgres_server
import pytest


@pytest.fixture(scope="session")
def postgres() -> Iterator[postgres_server.Server]:
    """A PostgreSQL server; tests that need it are skipped where there is none."""
    bin = postgres_server.programs()
    if bin is None:
        pytest.skip("no PostgreSQL server: initdb and pg_ctl are neither in PATH nor below /usr/lib/postgresql")
    with postgres_server.running(bin) as server:
        yield server


@pytest.fixture(params=["sqlite", "postgresql"])
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[], str]:
    """Return the URL of a database that is not there yet, or empty."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").new_database
    return lambda: f"sqlite:///{tmp_path / uuid4().hex[:8]}.db"


@pytest.fixture
def url(new_url: Callable[[], str]) -> str:
    return new_url()
