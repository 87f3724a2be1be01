"""A server on this machine that stands in for the hub."""

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import unquote, urlsplit

COMMIT = "c0ffee" * 6 + "c0de"


class Hub(ThreadingHTTPServer):
    """Answers what the client asks when it downloads data sets and models.

    Attributes:
        repos: files by repository and name.
        forbidden: names of files that may not be had.
        damaged: names of files whose last byte changes on the way.
        replaced: what is sent instead of files, by name; the checksums are those of the files.
        redirected: names of files that lie at another address, to which the client is sent.
        refused: statuses to answer with before a file is sent, by name; "" stands for what is said of a repository.
        cut: after how many bytes the next answer ends, by name.
        ranges: which part of a file was asked for, and of which, where it was not all of it.
        requests: what was asked for.
        tokens: what each request told of who asks, after its path.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.forbidden: set[str] = set()
        self.damaged: set[str] = set()
        self.replaced: dict[str, bytes] = {}
        self.redirected: set[str] = set()
        self.refused: dict[str, list[int]] = {}
        self.cut: dict[str, int] = {}
        self.ranges: list[tuple[str, str]] = []
        self.requests: list[str] = []
        self.tokens: list[tuple[str, str]] = []


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        self.server.tokens.append((path, self.headers.get("Authorization", "")))
        repo = next((repo for repo in self.server.repos if f"/{repo}/" in f"{path}/"), None)
        if repo is None:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        files, rest = self.server.repos[repo], path.partition(repo)[2]
        if rest.startswith("/resolve/"):
            self.answer_file(files, rest.removeprefix("/resolve/").partition("/")[2])
        elif rest.startswith("/elsewhere/"):
            self.send(files[rest.removeprefix("/elsewhere/")], rest.removeprefix("/elsewhere/"), {})
        elif self.server.refused.get(""):
            self.answer(self.server.refused[""].pop(), b"", {"Retry-After": "7"})
        elif rest.startswith("/tree/"):
            tree = [{"type": "file", "path": name, "size": len(files[name]), "oid": name} for name in files]
            self.answer(200, json.dumps(tree).encode())
        else:
            info = {"id": repo, "sha": COMMIT, "siblings": [{"rfilename": name} for name in files]}
            self.answer(200, json.dumps(info).encode())

    def answer_file(self, files: dict[str, bytes], name: str) -> None:
        if name in self.server.forbidden or name not in files:
            self.answer(403, b"")
            return
        content = files[name]
        etag = hashlib.sha256(content).hexdigest()
        if name in self.server.damaged:
            content = content[:-1] + bytes([content[-1] ^ 1])
        content = self.server.replaced.get(name, content)
        about = {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'}
        if name in self.server.redirected:
            linked = {"X-Linked-Etag": about["ETag"], "X-Linked-Size": str(len(content))}
            place = f"http://localhost:{self.server.server_port}{self.path.partition('/resolve/')[0]}"  # another host
            self.answer(302, b"", {**about, **linked, "Location": f"{place}/elsewhere/{name}"})
        else:
            self.send(content, name, about)

    def send(self, content: bytes, name: str, headers: dict[str, str]) -> None:
        if self.command == "GET" and self.server.refused.get(name):
            self.answer(self.server.refused[name].pop(), b"", {"Retry-After": "0"})
        elif self.command == "GET" and name in self.server.cut:
            self.answer(200, content, headers, self.server.cut.pop(name))
            self.close_connection = True
        elif self.command == "GET" and (wanted := self.headers.get("Range")):
            self.server.ranges.append((name, wanted))
            start = int(wanted.removeprefix("bytes=").removesuffix("-"))
            place = {"Content-Range": f"bytes {start}-{len(content) - 1}/{len(content)}"}
            self.answer(206, content[start:], {**headers, **place})
        else:
            self.answer(200, content, headers)

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None, most: int | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body[:most])


@contextmanager
def running_hub() -> Iterator[Hub]:
    """Give a hub that answers until the block ends."""
    server = Hub()
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
