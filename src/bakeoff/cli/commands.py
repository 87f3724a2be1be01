"""The commands of the program, each in a file of its own."""

import typer

from bakeoff.cli.compare import compare
from bakeoff.cli.data import data
from bakeoff.cli.doctor import doctor
from bakeoff.cli.leaderboard import leaderboard
from bakeoff.cli.lr_find import lr_find
from bakeoff.cli.models import models
from bakeoff.cli.recipes import recipes
from bakeoff.cli.report import report


def register(app: typer.Typer) -> None:
    """Add every command to the program."""
    for command in (compare, models, recipes, data, lr_find, leaderboard, report, doctor):
        app.command()(command)
