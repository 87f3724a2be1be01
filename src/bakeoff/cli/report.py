"""`bakeoff report`."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer


def report(
    folder: Annotated[Path, typer.Argument(metavar="OUT", help="The output folder of a comparison.")],
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Write the report of a comparison: one HTML file that works offline."""
    from bakeoff.api import load

    path = load(folder).report()
    typer.echo(path)
    if open_it:
        webbrowser.open(path.resolve().as_uri())
