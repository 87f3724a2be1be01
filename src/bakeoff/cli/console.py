"""What is printed, and where."""

import sys
from typing import Any

import typer
from rich.console import Console
from rich.markup import escape
from rich.text import Text

from bakeoff.study.printable import printable

WIDE = 1000  # characters in a line where there is no terminal: tables do not fold in a pipe

out = Console(
    highlight=False, emoji=False, soft_wrap=not sys.stdout.isatty(), width=None if sys.stdout.isatty() else WIDE
)
err = Console(stderr=True, highlight=False, emoji=False, soft_wrap=not sys.stderr.isatty())


def complain(sentence: str) -> None:
    """Print a mistake on stderr. Control characters in names are made visible."""
    err.print(Text("error: ", style="bold red") + Text(printable(sentence)))


def name(text: object) -> str:
    """Return a name or a path of the user's as it may stand within marked-up text."""
    return escape(printable(str(text)))


def echo(text: object) -> None:
    """Print text that is for programs too: as it is, and in a terminal without what would move the cursor."""
    lines = str(text)
    typer.echo("\n".join(map(printable, lines.split("\n"))) if out.is_terminal else lines)


def percent(share: float) -> str:
    """Return a share as percent with two decimals, a dash for nan."""
    return "–" if share != share else f"{100 * share:.2f} %"


def duration(seconds: float) -> str:
    """Return seconds as a person would say them."""
    if seconds != seconds:
        return "–"
    if seconds < 100:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s"


def milliseconds(seconds: float) -> str:
    """Return seconds in thousandths, with two significant digits below 10; a dash for nan."""
    return "–" if seconds != seconds else f"{1000 * seconds:.2g} ms" if seconds < 0.01 else f"{1000 * seconds:.0f} ms"


def quantity(count: Any) -> str:
    """Return a number in thousands, millions or billions, as papers do; a dash for one that is missing."""
    if count is None or count != count:
        return "–"
    for unit in ("", "k", "M", "G"):
        if count < 1000 or unit == "G":
            break
        count /= 1000
    return f"{count:.3g} {unit}".rstrip()
