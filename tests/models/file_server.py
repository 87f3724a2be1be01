"""A server on this machine that publishes files, and breaks off, limps or lies as tests want it to."""

import base64
import hashlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


class Files(ThreadingHTTPServer):
    """Serves `content` under any path.

    Attributes:
        content: of the file.
        break_after: bytes after which each of the next answers breaks off, one number for each.
        statuses: what the next answers are instead, one for each.
        takes_ranges: whether a part of the file can be asked for.
        sends_checksum: whether it tells the MD5, as Google's storage does.
        requests: the range that each request asked for.
    """

    daemon_threads = True

    def __init__(self, content: bytes) -> None:
        super().__init__(("127.0.0.1", 0), Answer)
        self.content = content
        self.break_after: list[int] = []
        self.statuses: list[int] = []
        self.takes_ranges = True
        self.sends_checksum = True
        self.requests: list[str] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/folder/net_notop.h5"


class Answer(BaseHTTPRequestHandler):
    server: Files

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        server, asked = self.server, self.headers.get("Range", "")
        server.requests.append(asked)
        start = int(asked.removeprefix("bytes=").rstrip("-")) if asked and server.takes_ranges else 0
        if server.statuses or start >= len(server.content):
            self.send_response(status := server.statuses.pop(0) if server.statuses else 416)
            if status == 302:
                self.send_header("Location", "http://[no address")
            self.send_header("Content-Length", "0")
            self.end_headers()
            return
        self.send_response(206 if start else 200)
        body = server.content[start:]
        self.send_header("Content-Length", str(len(body)))
        if start:
            self.send_header("Content-Range", f"bytes {start}-{len(server.content) - 1}/{len(server.content)}")
        if server.sends_checksum:
            digest = base64.b64encode(hashlib.md5(server.content).digest()).decode()
            self.send_header("x-goog-hash", f"crc32c=AAAAAA==,md5={digest}")
        self.end_headers()
        self.wfile.write(body[: server.break_after.pop(0)] if server.break_after else body)


@contextmanager
def publishing(content: bytes) -> Iterator[Files]:
    """Give a server that publishes a file until the block ends."""
    server = Files(content)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
