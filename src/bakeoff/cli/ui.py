"""`bakeoff ui`."""

import webbrowser
from pathlib import Path
from typing import Annotated

import typer


def ui(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="A folder with studies in it, or below it.")] = Path(),
    host: Annotated[str, typer.Option(help="Where to listen; only this machine can ask unless you say so.")] = (
        "127.0.0.1"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="The port, or the next one that is free.")] = 8000,
    open_it: Annotated[bool, typer.Option("--open", help="Open it in the browser.")] = False,
) -> None:
    """Show the studies below a folder in the browser, live, until Ctrl-C."""
    from bakeoff.app.serve import serve

    def announce(address: str, moved: bool) -> None:
        if moved and port:
            typer.echo(f"Port {port} is taken; this is the next free one.", err=True)
        typer.echo(f"{address}  (end it with Ctrl-C)")
        if open_it:
            webbrowser.open(address)

    serve(folder, host, port, announce)
