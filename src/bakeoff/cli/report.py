"""`bakeoff report`."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer

from bakeoff.formats import Format

FORMAT = "html, the page; md, a document; csv or json, for programs; tex, a table; png or pdf, a folder of figures."
TO = "The file, or the folder of figures, instead of one in OUT; its suffix says the format."


def report(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="The output folder of a comparison.")],
    format: Annotated[Format | None, typer.Option(help=FORMAT, show_default="html")] = None,
    to: Annotated[Path | None, typer.Option(metavar="PATH", help=TO)] = None,
    open_it: Annotated[bool, typer.Option("--open", help="Open it.")] = False,
) -> None:
    """Write the report of a comparison: one HTML file that works offline, or the same for papers and programs."""
    from bakeoff.cli.console import echo
    from bakeoff.result import load

    path = load(folder).report(to, format)
    echo(path)
    if open_it:
        webbrowser.open(path.resolve().as_uri())
