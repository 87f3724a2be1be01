"""Who trains a run, and whether that process still lives."""

import hashlib
import os
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Worker:
    """A process that trains.

    Attributes:
        host: the name of its machine.
        pid: its number there.
        place: where the number counts: one start of one system, and within it one container.
        started: when, in ticks since the system's start, since numbers are used again; empty where that is not known.
    """

    host: str
    pid: int
    place: str
    started: str

    @classmethod
    def current(cls) -> Self:
        """Return this process."""
        return cls(socket.gethostname(), os.getpid(), _place(), _started(os.getpid()))

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """Return the worker that was written so; None where it is of another form."""
        try:
            host, pid, place, started = text.rsplit(":", 3)
            return cls(host, int(pid), place, started)
        except ValueError:
            return None

    def __str__(self) -> str:
        return f"{self.host}:{self.pid}:{self.place}:{self.started}"

    @property
    def has_died(self) -> bool:
        """Whether it is certain that the process is gone; of another machine or container that is never certain."""
        if self.place != _place():
            return False
        try:
            os.kill(self.pid, 0)
        except ProcessLookupError:
            return True
        except OSError:
            return False  # it lives, and is another user's
        started = _started(self.pid)
        return bool(started and self.started) and started != self.started


def name_of(worker: str) -> str:
    """Return a worker as people are told of it: its machine and number."""
    known = Worker.parse(worker)
    return f"{known.host}:{known.pid}" if known else worker


def _place() -> str:
    try:
        system = Path("/proc/sys/kernel/random/boot_id").read_text()
        container = str(Path("/proc/self/ns/pid").readlink())
    except OSError:  # not Linux
        system, container = socket.gethostname(), ""
    return hashlib.sha256(f"{system}{container}".encode()).hexdigest()[:8]


def _started(pid: int) -> str:
    """Return when a process started; "dead" if it has ended and its parent has not asked for how."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
    except OSError:
        return ""
    return "dead" if fields[0] in "ZX" else fields[19]
