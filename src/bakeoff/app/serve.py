"""Serving the page until Ctrl-C."""

import asyncio
import errno
import os
import socket
import sys
from collections.abc import Callable
from pathlib import Path
from types import FrameType

import uvicorn

from bakeoff.app.guard import Door, Guard
from bakeoff.app.web import make
from bakeoff.errors import BakeoffError, StoreError

TRIES = 20  # ports, from the wanted one on


class Server(uvicorn.Server):
    """A server that ends at the first Ctrl-C, and does not wait for pages that are being sent."""

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        """End."""
        self.should_exit = self.force_exit = True


def serve(folder: Path, host: str, port: int, announce: Callable[[str, bool], None]) -> None:
    """Show the studies below a folder until the process is told to end.

    Args:
        folder: where studies are.
        host: the address or name to bind to. Where other machines reach it, a token is part of the announced address.
        port: to bind to, or the next one that is free.
        announce: told the address, and whether its port is another than the wanted one.

    Raises:
        StoreError: there is no such folder.
        BakeoffError: the host cannot be bound to, or no port is free.
    """
    if not folder.is_dir():
        raise StoreError(f"there is no folder {folder}; give one that has studies below it")
    door = Door.at(host)
    application = make(folder, door)
    with listen(host, port) as listener:
        bound = listener.getsockname()[1]
        announce(address(door, bound), bound != port)
        asyncio.new_event_loop().run_until_complete(Server(configured(application)).serve([listener]))
        # Pages that are followed go on for ever, and a network that computes in a thread cannot be stopped. Nothing is
        # ever written, so that nothing is left half done.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(0)


def configured(application: Guard) -> uvicorn.Config:
    """Return how the application is served: plain HTTP, with nothing that this page does not need."""
    return uvicorn.Config(
        application,
        lifespan="off",
        ws="none",
        http="h11",
        loop="asyncio",
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        limit_concurrency=200,
    )


def listen(host: str, port: int) -> socket.socket:
    """Return a socket bound to the port, or to the next one that is free; raise `BakeoffError` where none can be."""
    try:
        family, kind, _, _, where = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    except (OSError, UnicodeError, OverflowError):
        raise BakeoffError(f"--host {host} is no address or name of this machine") from None
    for number in range(port, min(port + TRIES, 65536)):
        listener = socket.socket(family, kind)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((where[0], number, *where[2:]))
            listener.listen()
        except OSError as error:
            listener.close()
            if error.errno in (errno.EADDRINUSE, errno.EACCES):
                continue
            raise BakeoffError(f"cannot listen on {host}: {error.strerror}; give another --host") from None
        return listener
    raise BakeoffError(f"the ports from {port} to {port + TRIES - 1} are taken; give another --port")


def address(door: Door, port: int) -> str:
    """Return what is to be opened in a browser."""
    everywhere = door.host in ("0.0.0.0", "::")  # noqa: S104  (it is read here, and bound to only where a user asks)
    host = socket.gethostname() if everywhere else f"[{door.host}]" if ":" in door.host else door.host
    return f"http://{host}:{port}/{f'?token={door.token}' if door.token else ''}"
