"""What cannot be opened is one sentence, in which no password is."""

import os
import tempfile
from pathlib import Path

import pytest
from postgres_server import GUARDED, PASSWORD, Server
from runs import STUDY, spec, take

from bakeoff.errors import DatabaseFailedError, StoreError
from bakeoff.store import engine
from bakeoff.store.database import Store
from bakeoff.store.engine import noted
from bakeoff.store.network import network_file_system

MOUNTS = r"""/dev/sda1 / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
/dev/sdb1 /home/local ext4 rw 0 0
//box/share /mnt/with\040space cifs rw 0 0
me@far:/ /mnt/far fuse.sshfs rw 0 0
overlay /mnt/box fuse.fuse-overlayfs rw 0 0
server:/old /mnt/twice nfs rw 0 0
tmpfs /mnt/twice tmpfs rw 0 0
"""


def refused(url: str, kind: type[StoreError] = StoreError) -> str:
    with pytest.raises(kind) as caught:
        Store(url, "s", STUDY)
    sentence = str(caught.value)
    assert "\n" not in sentence
    assert PASSWORD not in sentence
    assert "secret" not in sentence
    return sentence


@pytest.mark.parametrize("content", [b"not a database at all, but long enough to be looked at" * 40, b"short"])
def test_a_file_that_is_no_database_is_left_alone(tmp_path: Path, content: bytes):
    path = tmp_path / "a.db"
    path.write_bytes(content)
    assert f"cannot open the database sqlite:///{path}: file is not a database" in refused(f"sqlite:///{path}")
    assert path.read_bytes() == content


def test_a_damaged_database_is_one_sentence(tmp_path: Path):
    path = tmp_path / "a.db"
    store = Store(f"sqlite:///{path}", "s", STUDY)
    store.add(spec(seed) for seed in range(50))
    store.close()
    content = bytearray(path.read_bytes())
    content[4096:] = b"\xa5" * (len(content) - 4096)
    path.write_bytes(content)
    assert "malformed" in refused(f"sqlite:///{path}")


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="asks Linux what is open")
def test_what_cannot_be_opened_is_not_kept_open(tmp_path: Path):
    path = tmp_path / "a.db"
    Store(f"sqlite:///{path}", "other", STUDY).close()
    with pytest.raises(StoreError, match="there is no study"):
        Store(f"sqlite:///{path}", "s")
    path.write_bytes(path.read_bytes().replace(b"version_num", b"version_nun"))
    refused(f"sqlite:///{path}")
    names = [str(link.readlink()) for link in Path("/proc/self/fd").iterdir() if link.is_symlink()]
    assert [name for name in names if str(tmp_path) in name] == []


def test_a_database_of_which_sqlite_cannot_say_what_is_wrong_is_one_sentence(tmp_path: Path):
    path = tmp_path / "a.db"
    Store(f"sqlite:///{path}", "s", STUDY).close()
    path.write_bytes(path.read_bytes().replace(b"CREATE TABLE", b"CREATE T\xffBLE"))
    assert "its description of the tables is damaged" in refused(f"sqlite:///{path}")


def test_places_that_nothing_can_be_written_to(tmp_path: Path):
    assert "unable to open database file" in refused(f"sqlite:///{tmp_path / 'no' / 'such' / 'folder.db'}")
    assert "unable to open database file" in refused(f"sqlite:///{tmp_path}")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:
        path = Path(folder) / "a.db"
        Store(f"sqlite:///{path}", "s", STUDY).close()
        path.chmod(0o444)
        Path(folder).chmod(0o555)
        root = os.geteuid() == 0
        if root:  # who may write anywhere
            os.seteuid(65534)
        try:
            assert "attempt to write a readonly database" in refused(f"sqlite:///{path}")
            assert "unable to open database file" in refused(f"sqlite:///{Path(folder) / 'new.db'}")
        finally:
            if root:
                os.seteuid(0)


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("no url:secret", "the URL of the database is not one; write postgresql://USER@HOST/NAME"),
        ("postgresql://me:secret@host:port/x", "the URL of the database is not one"),
        ("mysql://me:secret@host/x", "no support for databases of 'mysql'; choose from sqlite, postgresql"),
        ("postgresql://me:secret@nowhere.invalid/x", "cannot open the database postgresql.*nowhere.invalid"),
        ("postgresql://me:secret@127.0.0.1:1/x", "port 1 failed: .*refused"),
        ("postgresql://me:secret@/x?host=/nowhere", "cannot open the database .*No such file"),
    ],
)
def test_a_database_that_is_not_there_is_one_sentence(url: str, sentence: str):
    import re

    assert re.search(sentence, refused(url))


def test_a_wrong_password_user_or_database_is_one_sentence(postgres: Server):
    assert "password authentication failed" in refused(postgres.url(user=GUARDED, password="wr0ng-secret"))
    assert "no password supplied" in refused(postgres.url(user=GUARDED))
    assert 'role "nobody" does not exist' in refused(postgres.url(user="nobody"))
    assert 'database "no" does not exist' in refused(postgres.url("no", GUARDED, PASSWORD))


def test_a_url_is_noted_without_its_password(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    assert noted("postgresql://me:p%40ss@host:5/x?sslmode=require&password=y") == (
        "postgresql+psycopg://me@host:5/x?sslmode=require"
    )
    monkeypatch.chdir(tmp_path)
    assert noted("sqlite:///a.db") == f"sqlite:///{tmp_path / 'a.db'}"


def test_a_password_among_the_parameters_of_a_url_is_not_told_either():
    pytest.importorskip("psycopg")
    assert "secret" not in refused("postgresql://me@127.0.0.1:9/x?password=secret&connect_timeout=2")


def test_a_server_that_goes_away_is_one_sentence_and_its_return_is_noticed(postgres: Server):
    url = postgres.new_database()
    store = Store(url, "s", STUDY)
    store.add([spec()])
    name = url.partition("@/")[2].partition("?")[0]
    drop = f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'"
    postgres.execute(drop)  # between two transactions: nobody sees it
    claim = take(store, spec().run_id)
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
    postgres.execute(drop)
    with pytest.raises(DatabaseFailedError, match="the database failed: postgresql.*not currently accepting"):
        store.beat(claim)
    postgres.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true")
    store.beat(claim)
    store.close()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/runs/bakeoff.db", "nfs4"),
        ("/home", "nfs4"),
        ("/homes/bakeoff.db", ""),
        ("/home/local/x", ""),
        ("/mnt/with space/x", "cifs"),
        ("/mnt/far/x", "fuse.sshfs"),
        ("/mnt/box/x", ""),
        ("/mnt/twice/x", ""),
        ("/x", ""),
    ],
)
def test_network_file_systems_are_known(path: str, kind: str):
    assert network_file_system(Path(path), MOUNTS) == kind


def test_sqlite_on_a_network_file_system_is_warned_of(tmp_path: Path, monkeypatch, caplog: pytest.LogCaptureFixture):
    Store(f"sqlite:///{tmp_path / 'a.db'}", "s", STUDY).close()
    assert caplog.text == ""
    monkeypatch.setattr(engine, "network_file_system", lambda path: "nfs4")
    Store(f"sqlite:///{tmp_path / 'a.db'}", "s", STUDY).close()
    assert "a.db lies on a network file system (nfs4), where SQLite's locks may not hold" in caplog.text
