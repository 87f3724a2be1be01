"""The commands of the program, each in a file of its own."""

import typer

from bakeoff.cli.compare import compare
from bakeoff.cli.confirm import confirm
from bakeoff.cli.data import data
from bakeoff.cli.diff import diff
from bakeoff.cli.doctor import doctor
from bakeoff.cli.leaderboard import leaderboard
from bakeoff.cli.lr_find import lr_find
from bakeoff.cli.models import models
from bakeoff.cli.plan import plan
from bakeoff.cli.profile import profile
from bakeoff.cli.recipes import recipes
from bakeoff.cli.report import report
from bakeoff.cli.reproduce import reproduce
from bakeoff.cli.ui import ui


def register(app: typer.Typer) -> None:
    """Add every command to the program, if it does not have them yet."""
    if app.registered_commands:
        return
    for command in (
        compare,
        confirm,
        reproduce,
        models,
        recipes,
        data,
        lr_find,
        profile,
        leaderboard,
        report,
        diff,
        plan,
        ui,
        doctor,
    ):
        app.command()(command)
