"""Published files: found, downloaded once, gone on with after a break, and never used when they are damaged."""

import hashlib
import random
import resource
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from email.message import Message
from pathlib import Path

import pytest
from file_server import Files, publishing

from bakeoff import patience
from bakeoff.data.locations import Locations
from bakeoff.errors import ModelError, OfflineError
from bakeoff.models.downloads import Published, _served_md5, download, obtain
from bakeoff.patience import ATTEMPTS

CONTENT = random.Random(0).randbytes(300_000)


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[Files]:
    monkeypatch.setattr(patience, "sleep", lambda _: None)
    with publishing(CONTENT) as server:
        yield server


@pytest.fixture
def online(tmp_path: Path) -> Locations:
    return Locations(cache=tmp_path / "cache")


def published(server: Files, kind: str = "md5") -> Published:
    return Published(server.url, f"{kind}:{hashlib.new(kind, CONTENT).hexdigest()}")


def leftovers(where: Locations) -> list[str]:
    return sorted(path.name for path in where.cache.rglob("*") if path.is_file())


@pytest.mark.parametrize("kind", ["md5", "sha256"])
def test_a_file_is_downloaded_once(server, online, kind):
    for where in (online, online, replace(online, offline=True)):
        path = obtain(published(server, kind), where)
        assert path.read_bytes() == CONTENT
        assert path == online.cache / "weights" / "net_notop.h5"
    assert server.requests == [""]
    assert leftovers(online) == ["net_notop.h5"]


def test_a_download_goes_on_after_every_break(server, online):
    server.break_after = [100_000, 50_000]
    assert obtain(published(server), online).read_bytes() == CONTENT
    assert server.requests == ["", "bytes=100000-", "bytes=150000-"]


def test_a_download_that_is_cut_at_any_byte_is_whole_in_the_end(server, online):
    rng = random.Random(1)
    for _ in range(20):
        server.break_after = [rng.randrange(200_000) for _ in range(ATTEMPTS - 1)]
        path = obtain(published(server), online)
        assert path.read_bytes() == CONTENT
        assert leftovers(online) == ["net_notop.h5"]
        path.unlink()


def test_a_later_call_goes_on_with_what_an_earlier_one_left(server, online):
    server.break_after = [10_000] * ATTEMPTS
    with pytest.raises(OfflineError, match=f"{ATTEMPTS} attempts to download it failed, the last because the connect"):
        obtain(published(server), online)
    assert leftovers(online) == ["net_notop.h5.partial"]
    server.requests.clear()
    assert obtain(published(server), online).read_bytes() == CONTENT
    assert server.requests == [f"bytes={10_000 * ATTEMPTS}-"]
    assert leftovers(online) == ["net_notop.h5"]


def test_a_server_that_knows_no_ranges_starts_anew(server, online):
    server.takes_ranges = False
    server.break_after = [100_000]
    assert obtain(published(server), online).read_bytes() == CONTENT


def test_passing_troubles_are_waited_for(server, online):
    server.statuses = [503, 429]
    assert obtain(published(server), online).read_bytes() == CONTENT


def test_a_part_that_is_longer_than_the_file_is_thrown_away(server, online):
    partial = online.cache / "weights" / "net_notop.h5.partial"
    partial.parent.mkdir(parents=True)
    partial.write_bytes(CONTENT + b"more")
    assert obtain(published(server), online).read_bytes() == CONTENT


@pytest.mark.parametrize("checksum", ["md5:" + "0" * 32, "sha256:01234567", ""])
def test_what_has_not_the_checksum_is_not_kept(server, online, checksum):
    if not checksum:  # then the server's own counts, and the part that is here already is of another file
        partial = online.cache / "weights" / "net_notop.h5.partial"
        partial.parent.mkdir(parents=True)
        partial.write_bytes(b"another file")
    with pytest.raises(ModelError, match=r"what the server sent has the \w+ \w+ instead of \w+; nothing of it is kept"):
        obtain(Published(server.url, checksum), online)
    assert leftovers(online) == []


def test_what_has_no_end_is_given_up_over_all_attempts_and_not_kept(server, online, monkeypatch):
    monkeypatch.setattr("bakeoff.models.downloads.MAX_BYTES", 200_000)
    server.break_after = [150_000]
    with pytest.raises(ModelError, match="sends more than 200,000 bytes"):
        obtain(published(server), online)
    assert [path.stat().st_size for path in online.cache.rglob("net_notop*")] == [0]


def test_without_any_checksum_the_file_is_taken(server, online):
    server.sends_checksum = False
    assert obtain(Published(server.url), online).read_bytes() == CONTENT


def test_a_server_that_sends_us_to_no_address_is_one_sentence(server, online):
    server.statuses = [302] * ATTEMPTS
    with pytest.raises(OfflineError, match=f"{ATTEMPTS} attempts to download it failed, the last because"):
        obtain(published(server), online)


def test_a_checksum_that_is_none_is_not_believed():
    headers = Message()
    headers["x-goog-hash"] = "md5=abc"
    assert _served_md5(headers) == ""


def test_a_file_that_is_gone(server, online):
    server.statuses = [404]
    with pytest.raises(OfflineError, match="net_notop.h5 is not on this machine and the server answered 404") as error:
        obtain(published(server), online)
    assert f"fetch {server.url} by other means, put it into a folder DIR and give --data-dir DIR" in str(error.value)
    assert server.requests == [""], "asking again would not help"


def test_no_server(online, monkeypatch):
    waited: list[float] = []
    monkeypatch.setattr(patience, "sleep", waited.append)
    with pytest.raises(OfflineError, match="failed, the last because .*refused"):
        obtain(Published("http://127.0.0.1:9/net.h5"), online)
    assert waited == [1, 2, 4, 8]


def test_offline_nothing_is_asked_for(server, where):
    with pytest.raises(
        OfflineError, match="net_notop.h5 is not on this machine and downloading is switched off; fetch"
    ):
        obtain(published(server), where)
    assert server.requests == []


@pytest.mark.parametrize("folder", ["", "weights"])
def test_the_users_own_copy_comes_first(server, where, tmp_path, folder):
    own = tmp_path / "own" / folder
    own.mkdir(parents=True)
    (own / "net_notop.h5").write_bytes(CONTENT)
    assert obtain(published(server), replace(where, data_dir=tmp_path / "own")).parent == own
    assert obtain(published(server), where, also=[own]).parent == own
    (own / "net_notop.h5").write_bytes(CONTENT[:-1])
    with pytest.raises(ModelError, match="so that it is damaged or not http.*; it is not used, remove it"):
        obtain(published(server), replace(where, data_dir=tmp_path / "own"))


def test_a_damaged_file_in_the_cache_is_not_used(server, online):
    path = obtain(published(server), online)
    path.write_bytes(CONTENT[1:])
    with pytest.raises(ModelError, match="it is not used, remove it"):
        obtain(published(server), online)


def test_a_place_that_cannot_be_written(server, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ModelError, match="cannot be written .* set BAKEOFF_CACHE to a folder that can be"):
        download(published(server), tmp_path / "file" / "net_notop.h5")


DOWNLOAD = """
import sys
from pathlib import Path
from bakeoff.models.downloads import Published, download
download(Published(sys.argv[1]), Path(sys.argv[2]))
"""


def test_processes_at_once_download_once(server, tmp_path):
    to = tmp_path / "net_notop.h5"
    command = [sys.executable, "-c", DOWNLOAD, server.url, str(to)]
    running = [subprocess.Popen(command, stderr=subprocess.PIPE) for _ in range(2)]
    for process in running:
        _, errors = process.communicate(timeout=120)
        assert process.returncode == 0, errors
    assert to.read_bytes() == CONTENT
    assert server.requests == [""]
    assert [path.name for path in tmp_path.iterdir()] == ["net_notop.h5"]


def test_a_full_disk_is_told_at_once_and_what_came_is_gone_on_with(server, online):
    usual = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (len(CONTENT) // 2, usual[1]))
    try:
        with pytest.raises(ModelError, match="cannot be written .File too large.; make room"):
            obtain(published(server), online)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, usual)
    assert obtain(published(server), online).read_bytes() == CONTENT
    assert server.requests == ["", f"bytes={len(CONTENT) // 2}-"], "the network was not to blame"
