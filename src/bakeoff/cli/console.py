"""What is printed, and where."""

import sys
from collections.abc import Callable
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.text import Text

from bakeoff.report import text

WIDE = 1000  # characters in a line where there is no terminal: tables do not fold in a pipe

out = Console(highlight=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else WIDE)
err = Console(stderr=True, highlight=False, soft_wrap=not sys.stderr.isatty())


def complain(sentence: str) -> None:
    """Print a mistake on stderr. Control characters in names are made visible."""
    err.print(Text("error: ", style="bold red") + Text(printable(sentence)))


def warn(sentence: str) -> None:
    """Print on stderr what did not go as asked, in the same way."""
    err.print(Text("warning: ", style="bold yellow") + Text(printable(sentence)))


def printable(given: str) -> str:
    """Return text without characters that would move the cursor, colour a terminal or begin a line of their own."""
    return "".join(char if char.isprintable() else repr(char)[1:-1] for char in given)


def name(given: str) -> str:
    """Return a name of the user's as it may stand within marked-up text."""
    return escape(printable(given))


def _spaced(said: Callable[[float | None], str]) -> Callable[[float | None], str]:
    """Return what says a figure as the report does, with spaces that can be searched for and copied."""
    return lambda value: said(value).replace(text.SPACE, " ")


percent = _spaced(text.percent)
duration = _spaced(text.duration)
milliseconds = _spaced(text.milliseconds)


def quantity(count: Any) -> str:
    """Return a number in thousands, millions or billions, as papers do; a dash for one that is missing."""
    if count is None or count != count:
        return text.NONE
    for unit in ("", "k", "M", "G"):
        if count < 1000 or unit == "G":
            break
        count /= 1000
    return f"{count:.3g} {unit}".rstrip()
