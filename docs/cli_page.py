"""Write `docs/cli.md` from the commands themselves: `python docs/cli_page.py`. A test compares the two."""

from pathlib import Path

import typer
from typer.cli import get_docs_for_click

from bakeoff.cli import commands
from bakeoff.cli.main import app

PAGE = Path(__file__).parent / "cli.md"


def page() -> str:
    """Return the text of the page."""
    commands.register(app)
    command = typer.main.get_command(app)
    return get_docs_for_click(obj=command, ctx=typer.Context(command), name="bakeoff", title="Commands")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
