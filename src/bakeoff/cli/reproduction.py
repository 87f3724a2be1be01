"""What `bakeoff reproduce` does once its arguments are known."""

import json
from functools import partial
from pathlib import Path
from typing import Any

import typer
from rich.table import Table

from bakeoff import api
from bakeoff.cli.comparison import exit_status, train
from bakeoff.cli.console import duration, name, out, percent
from bakeoff.cli.dry_run import print_plan
from bakeoff.cli.systems import span
from bakeoff.data.locations import Locations
from bakeoff.errors import SpecError
from bakeoff.run.device import find_device
from bakeoff.specs.arguments import flag, naming_arguments
from bakeoff.study.begin import check_folder
from bakeoff.study.carry_out import carrying_out
from bakeoff.study.plan import make_plan
from bakeoff.study.reported import Figure
from bakeoff.study.reproduce import Reproduction, folder_name, study_of


def run_reproductions(
    names: list[str],
    study: dict[str, Any],
    folder: Path | None,
    data_dir: Path | None,
    device: str,
    jobs: int,
    time_limit: float | None,
    *,
    offline: bool,
    dry_run: bool,
    retry_failed: bool,
) -> int:
    """Reproduce systems, or print their plans; return the exit status."""
    if not names:
        raise SpecError("which system? bakeoff reproduce NAME..., of those that bakeoff reproduce --list names")
    where = Locations(data_dir=data_dir, offline=offline)
    # All plans and folders first, so that a mistake in the last one is found before anything is trained.
    with naming_arguments(study, flag):
        studies = {system: study_of(system, **study) for system in names}
        plans = {system: make_plan(planned, where, find_device(device)) for system, planned in studies.items()}
    places = {system: (folder or api.REPRODUCED) / folder_name(system, faithful=study["faithful"]) for system in plans}
    for system, place in places.items():
        check_folder(plans[system], place)
    if dry_run:
        for system, plan in plans.items():
            print_plan(plan, places[system])
        return 0
    worst = 0
    how: dict[str, Any] = {"jobs": jobs, "time_limit": time_limit, "retry_failed": retry_failed}
    with carrying_out({places[system]: plan for system, plan in plans.items()}, where, **how) as carry_out:
        for system, plan in plans.items():
            place = places[system]
            outcome = train(plan, partial(carry_out, place))
            _show(api.conclude(Reproduction(system, outcome.records, study["faithful"]), place), place)
            worst = max(worst, exit_status(outcome))
            if outcome.stopped:
                break
    return worst


def _show(reproduction: Reproduction, folder: Path) -> None:
    """Print a reproduction: for people in a terminal, else as a line of JSON."""
    if not out.is_terminal:
        line = {"event": "reproduced", "out": str(folder), **reproduction.content()}
        typer.echo(json.dumps(line))
        return
    table = Table(box=None, pad_edge=False)
    for column in ("figure", "reported", "reproduced", "sd", "95 % of runs", "n", "reported lies"):
        table.add_column(column, justify="left" if column in ("figure", "reported lies") else "right")
    for figure in reproduction.figures:
        table.add_row(*_row(figure))
    out.print(f"\n[bold]{reproduction.name}[/bold]: {reproduction.entry.summary}")
    out.print(table)
    out.print(_pace(reproduction))
    out.print(_size(reproduction))
    for note in reproduction.notes:
        out.print(f"- {name(note)}")
    for deviation in reproduction.deviations:
        out.print(name(f"- {deviation.what}: {deviation.wanted} -> {deviation.got}, {deviation.why}"))
    out.print(f"\nReport: [bold]{name(folder / 'report.html')}[/bold]\n")


def _row(figure: Figure) -> tuple[str, ...]:
    def shown(value: float | None) -> str:
        if value is None:
            return "–"
        return percent(value) if figure.name.endswith("accuracy") else f"{value:.5g}"

    low, high = figure.interval or (None, None)
    between = "–" if low is None else f"{shown(low)} to {shown(high)}"
    words = figure.name.replace("_", " ").replace("val ", "validation ").replace("running train", "running training")
    reported, mean, sd = shown(figure.reported), shown(figure.mean), shown(figure.sd)
    return words, reported, mean, sd, between, str(len(figure.values)), figure.lies or "–"


def _pace(reproduction: Reproduction) -> str:
    """Say how long an epoch took then and takes now."""
    then, now, faster = reproduction.entry.reported.seconds, reproduction.seconds, reproduction.faster
    here = f"An epoch takes {duration(now)} here" if now else "No run has finished"
    if then is None or faster is None:
        return f"{here}."
    return f"{here}, and took {span(then)} s in the document, {span(faster)} times as long, on another machine."


def _size(reproduction: Reproduction) -> str:
    """Say whether the network has the size that the library declares."""
    built, declared = reproduction.parameters, reproduction.entry.parameters
    if built is None or declared is None:
        return ""
    same = (built.total, built.trainable) == (declared.total, declared.trainable)
    told = "as declared" if same else f"not {declared.total:,} and {declared.trainable:,} as declared"
    return f"The network has {built.total:,} parameters, {built.trainable:,} of them trained, {told}."
