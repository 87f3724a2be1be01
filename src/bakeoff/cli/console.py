"""What is printed, and where."""

import sys
from collections.abc import Callable
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from bakeoff.report import text
from bakeoff.study.printable import printable

WIDE = 1000  # characters in a line where there is no terminal: tables do not fold in a pipe

out = Console(
    highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else WIDE
)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=not sys.stderr.isatty())


def complain(sentence: str) -> None:
    """Print a mistake on stderr. Control characters in names are made visible."""
    err.print(Text("error: ", style="bold red") + Text(printable(sentence)))


def warn(sentence: str) -> None:
    """Print on stderr what did not go as asked, in the same way."""
    err.print(Text("warning: ", style="bold yellow") + Text(printable(sentence)))


def name(given: object) -> str:
    """Return a name or a path of the user's as it may stand within marked-up text."""
    return escape(printable(str(given)))


def echo(given: object) -> None:
    """Print text that is for programs too: as it is, and in a terminal without what would move the cursor."""
    lines = str(given)
    typer.echo("\n".join(map(printable, lines.split("\n"))) if out.is_terminal else lines)


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
