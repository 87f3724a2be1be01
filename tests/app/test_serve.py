"""The server as a process: ports, addresses, raw requests, and its end."""

import http.client
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bakeoff.app.guard import Door
from bakeoff.app.serve import address, listen, serve
from bakeoff.errors import BakeoffError


def test_a_taken_port_makes_way_for_the_next():
    with listen("127.0.0.1", 0) as first:
        port = first.getsockname()[1]
        with listen("127.0.0.1", port) as second:
            assert port < second.getsockname()[1] < port + 20


def test_a_host_that_is_not_here_is_refused_in_a_sentence():
    for host in ("203.0.113.9", "no such host", "x" * 300, "host.invalid"):
        with pytest.raises(BakeoffError, match="--host"):
            listen(host, 0)


def test_the_address_can_be_opened():
    assert address(Door("127.0.0.1"), 8000) == "http://127.0.0.1:8000/"
    assert address(Door("::1"), 8000) == "http://[::1]:8000/"
    assert address(Door("0.0.0.0", "abc"), 8000) == f"http://{socket.gethostname()}:8000/?token=abc"


@contextmanager
def served(folder: Path, *flags: str) -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run `bakeoff ui`, and yield the process and its address."""
    command = [sys.executable, "-m", "bakeoff", "ui", str(folder), "--port", "0", *flags]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        line = process.stdout.readline()
        yield process, re.search(r"http://\S+", line)[0]
    finally:
        process.kill()
        process.wait()


def raw(url: str, path: str) -> tuple[int, bytes]:
    """Ask for a path exactly as it is written, which browsers and libraries tidy up."""
    host, port = re.match(r"http://([^:/]+):(\d+)", url).groups()
    connection = http.client.HTTPConnection(host, int(port), timeout=120)
    connection.putrequest("GET", path, skip_host=True)
    connection.putheader("Host", f"{host}:{port}")
    connection.endheaders()
    answer = connection.getresponse()
    return answer.status, answer.read(100_000)


def test_ctrl_c_ends_it_at_once_and_quietly_while_a_page_is_followed(tmp_path: Path):
    (tmp_path / "secret").write_text("secret")
    with served(tmp_path / "..") as (process, url):
        for path in (
            "/../secret",
            "/studies/../../secret",
            "/%2e%2e/secret",
            "/assets/../../secret",
            f"{tmp_path}/secret",
        ):
            status, body = raw(url, path)
            assert status == 404, path
            assert b"secret" not in body
        port = int(re.search(r":(\d+)/", url)[1])
        follower = socket.create_connection(("127.0.0.1", port))
        follower.sendall(f"GET /events HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n".encode())
        assert b"text/event-stream" in follower.recv(2000)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=120)
        assert process.returncode == 0
        assert out.strip() == ""
        assert err == ""


def test_a_folder_that_is_not_there_is_one_sentence(tmp_path: Path):
    with pytest.raises(BakeoffError, match="there is no folder"):
        serve(tmp_path / "none", "127.0.0.1", 0, lambda address, moved: None)
