"""Named points at which a process can be killed, without any hook for it in the product.

What touches the disk, the database or the weights passes through a few functions of Python, SQLAlchemy and torch.
`watch` wraps these in this process, so that a function is told each time one is reached, and may end the process.
"""

import io
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event
from torch.optim.optimizer import register_optimizer_step_post_hook, register_optimizer_step_pre_hook

Tell = Callable[[str], None]


def watch(tell: Tell) -> None:
    """Call `tell` with the name of every point that this process reaches from now on."""
    _before(tell, os, "fsync", lambda _: "sync a file")
    _before(tell, Path, "unlink", lambda path: f"remove a {kind(path)}")
    _around(tell, Path, "replace", lambda path: f"rename a {kind(path)}")
    _halve_writes(tell)
    register_optimizer_step_pre_hook(lambda *_: tell("gradients are there"))
    register_optimizer_step_post_hook(lambda *_: tell("weights have moved"))
    event.listen(Engine, "before_cursor_execute", lambda *call: tell(f"SQL {call[2].split()[0]}"))
    event.listen(Engine, "after_cursor_execute", lambda *call: tell(f"after SQL {call[2].split()[0]}"))
    event.listen(Engine, "commit", lambda _: tell("SQL commit"))


def kind(path: Path) -> str:
    """Return what kind of file it is, by the end of its name."""
    return "TensorBoard file" if "tfevents" in path.name else "".join(path.suffixes[-2:]) or "file"


def _before(tell: Tell, owner: Any, name: str, point: Callable[[Any], str]) -> None:
    real = getattr(owner, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        tell(point(arguments[0]))
        return real(*arguments, **named)

    setattr(owner, name, wrapped)


def _around(tell: Tell, owner: Any, name: str, point: Callable[[Any], str]) -> None:
    real = getattr(owner, name)

    def wrapped(*arguments: Any, **named: Any) -> Any:
        tell(f"before: {point(arguments[0])}")
        found = real(*arguments, **named)
        tell(f"after: {point(arguments[0])}")
        return found

    setattr(owner, name, wrapped)


class _Halves(io.BufferedWriter):
    """A file whose first half of every write is with the operating system before the second is given to it."""

    tell_point: Tell

    def write(self, content: Any) -> int:
        half = len(content) // 2
        super().write(content[:half])
        self.flush()
        self.tell_point(f"half of a {kind(Path(str(self.name)))} is written")
        super().write(content[half:])
        return len(content)


def _halve_writes(tell: Tell) -> None:
    real = Path.open

    def wrapped(self: Path, mode: str = "r", *arguments: Any, **named: Any) -> Any:
        if mode not in ("wb", "ab"):
            return real(self, mode, *arguments, **named)
        halves = _Halves(io.FileIO(self, mode))
        halves.tell_point = tell
        return halves

    Path.open = wrapped  # type: ignore[assignment]
