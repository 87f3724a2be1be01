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
        requests: what was asked for.
    """

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.repos: dict[str, dict[str, bytes]] = {}
        self.forbidden: set[str] = set()
        self.damaged: set[str] = set()
        self.requests: list[str] = []


class Answer(BaseHTTPRequestHandler):
    server: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_HEAD(self) -> None:
        self.do_GET()

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.server.requests.append(f"{self.command} {path}")
        repo = next((repo for repo in self.server.repos if f"/{repo}/" in f"{path}/"), None)
        if repo is None:
            self.answer(404, b"{}", {"X-Error-Code": "RepoNotFound"})
            return
        files, rest = self.server.repos[repo], path.partition(repo)[2]
        if rest.startswith("/resolve/"):
            self.answer_file(files, rest.removeprefix("/resolve/").partition("/")[2])
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
        self.answer(200, content, {"X-Repo-Commit": COMMIT, "ETag": f'"{etag}"'})

    def answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in {**(headers or {}), "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)


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
