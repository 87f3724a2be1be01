"""A PostgreSQL server of the tests' own, on a socket in a temporary folder."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg

GUARDED = "guarded"  # a user with a password; the owner, `bakeoff`, needs none
PASSWORD = "s3cret/p@ss"


def programs() -> Path | None:
    """Return the folder with `initdb` and `pg_ctl`, or None."""
    places = [Path(found).parent for found in [shutil.which("pg_ctl")] if found]
    places += sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return next((place for place in places if (place / "initdb").exists()), None)


class Server:
    """A running server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, database: str = "postgres", user: str = "bakeoff", password: str = "") -> str:
        secret = f":{quote(password, safe='')}" if password else ""
        return f"postgresql://{user}{secret}@/{database}?host={self.folder}"

    def new_database(self) -> str:
        """Return the URL of an empty database."""
        name = f"d{uuid4().hex[:12]}"
        self.execute(f"CREATE DATABASE {name}")
        return self.url(name)

    def execute(self, statement: str, database: str = "postgres") -> None:
        with psycopg.connect(host=str(self.folder), user="bakeoff", dbname=database, autocommit=True) as connection:
            connection.execute(statement)


@contextmanager
def running(bin: Path) -> Iterator[Server]:
    """Give a server that runs until the block ends. It refuses to be root's, so root lends it to another user."""
    with tempfile.TemporaryDirectory(prefix="bakeoff-pg-", dir="/tmp") as name:  # a socket's path must be short
        folder = Path(name)
        us: dict[str, Any] = {"cwd": "/", "check": True, "capture_output": True}
        if os.getuid() == 0:
            user = next(pwd.getpwnam(one) for one in ("postgres", "nobody") if _exists(one))
            os.chown(folder, user.pw_uid, user.pw_gid)
            us |= {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": ()}
        data = folder / "data"
        flags = ["--auth=trust", "--username=bakeoff", "--encoding=UTF8", "--locale=C", "--no-sync"]
        subprocess.run([bin / "initdb", "-D", data, *flags], **us)
        rules = data / "pg_hba.conf"
        rules.write_text(f"local all {GUARDED} scram-sha-256\nlocal all all trust\n")
        options = f"-k {folder} -c listen_addresses='' -c fsync=off -c max_connections=60"
        start = [bin / "pg_ctl", "-D", data, "-w", "-t", "300", "-l", folder / "log", "-o", options, "start"]
        subprocess.run(start, **{**us, "capture_output": False, "stdout": subprocess.DEVNULL})
        try:
            server = Server(folder)
            server.execute(f"CREATE ROLE {GUARDED} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")
            yield server
        finally:
            subprocess.run([bin / "pg_ctl", "-D", data, "-m", "immediate", "-w", "stop"], **us)


def _exists(user: str) -> bool:
    try:
        pwd.getpwnam(user)
    except KeyError:
        return False
    return True
