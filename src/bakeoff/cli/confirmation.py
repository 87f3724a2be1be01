"""What `bakeoff confirm` does once its arguments are known."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from bakeoff import api
from bakeoff.cli.comparison import exit_status, train
from bakeoff.cli.console import name, percent
from bakeoff.cli.console import out as console
from bakeoff.cli.dry_run import print_plan
from bakeoff.run.device import find_device
from bakeoff.study.begin import check_folder
from bakeoff.study.confirm import FOLDER, Confirmed
from bakeoff.study.plan import make_plan


def run_confirmation(
    tuned: Path,
    seeds: int,
    out: Path | None,
    device: str,
    jobs: int,
    time_limit: float | None,
    *,
    retry_failed: bool,
    offline: bool,
    dry_run: bool,
) -> int:
    """Confirm what a study chose, or print the plan; return the exit status."""
    folder = out or tuned / FOLDER
    study, where = api.to_confirm(api.load(tuned), seeds, offline=offline)
    plan = make_plan(study, where, find_device(device))
    check_folder(plan, folder)
    if dry_run:
        print_plan(plan, folder)
        return 0
    how: dict[str, Any] = {"jobs": jobs, "time_limit": time_limit, "retry_failed": retry_failed}
    outcome = train(plan, lambda observer: api.run(plan, folder, where, observer, **how))
    _show(api.conclude_confirmation(tuned, folder), folder)
    return exit_status(outcome)


def _show(found: Iterable[Confirmed], folder: Path) -> None:
    """Print what was confirmed: for people in a terminal, else as a line of JSON."""
    if not console.is_terminal:
        typer.echo(json.dumps({"event": "confirmed", "out": str(folder), "figures": [one.content() for one in found]}))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("model", "chosen setting", "of", "accuracy", "tuned", "confirmed", "sd", "optimism", "seeds"):
        table.add_column(column, justify="left" if column in ("model", "chosen setting", "accuracy") else "right")
    for one in found:
        optimism = "–" if one.optimism is None else f"{100 * one.optimism:+.2f} points"
        part = {"val": "validation", "test": "test"}[one.part]
        figures = [percent(float("nan") if value is None else value) for value in (one.tuned, one.confirmed, one.sd)]
        table.add_row(name(one.model), name(one.setting), str(one.settings), part, *figures, optimism, str(one.seeds))
    console.print(table)
    console.print(f"\nQuote the confirmed figures. Report: [bold]{name(folder / 'report.html')}[/bold]")
