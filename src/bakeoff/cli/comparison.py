"""What `bakeoff compare` does once its arguments are known."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from bakeoff import api
from bakeoff.cli.console import complain, err, name, out, warn
from bakeoff.cli.dry_run import print_plan
from bakeoff.cli.heading import print_heading, print_warnings
from bakeoff.cli.leaderboard import print_judgement, print_table
from bakeoff.cli.live import JsonLines, Live
from bakeoff.data.locations import Locations
from bakeoff.errors import SpecError
from bakeoff.records.run import RunState
from bakeoff.report.text import plural
from bakeoff.run.device import find_device
from bakeoff.specs.arguments import flag, naming_arguments
from bakeoff.specs.files import naming_lines
from bakeoff.study.begin import check_folder
from bakeoff.study.execute import Outcome
from bakeoff.study.observer import Observer
from bakeoff.study.plan import Plan, make_plan
from bakeoff.tracking import tracking
from bakeoff.tracking.together import Together

STOPPED = 3  # exit status where a time limit was reached before all runs were done


def run_comparison(
    study: dict[str, Any],
    folder: Path | None,
    data_dir: Path | None,
    device: str,
    jobs: int,
    time_limit: float | None,
    database: str | None,
    track: str | None,
    *,
    offline: bool,
    dry_run: bool,
    retry_failed: bool,
) -> int:
    """Carry out a comparison, or print its plan; return the exit status."""
    if study["config"] is None:
        for argument, option in (("data", "DATA"), ("models", "--models")):
            if study[argument] is None:
                raise SpecError(f"{option} is missing: bakeoff compare DATA --models a,b, or --config study.yaml")
    where = Locations(data_dir=data_dir, offline=offline)
    with naming_lines(study["config"]), naming_arguments(study, flag):
        plan = make_plan(api.declare(**study), where, find_device(device))
    folder = folder or plan.default_folder()
    check_folder(plan, folder)
    if dry_run:
        print_plan(plan, folder)
        return 0
    with tracking(track, plan, folder) as loggers:
        how: dict[str, Any] = {
            "jobs": jobs,
            "time_limit": time_limit,
            "database": database,
            "retry_failed": retry_failed,
        }
        outcome = train(plan, lambda observer: api.run(plan, folder, where, observer, **how), *loggers)
        result = api.load(folder, database)
        # Who presses Ctrl-C does not want to wait for a report.
        report = None if outcome.signalled else result.report()
        if report:
            for logger in loggers:
                logger.reported(report)
    if out.is_terminal:
        if any(record.state is RunState.FINISHED for record in result.runs):
            print_table(result.leaderboard())
            print_judgement(result)
        later = f"bakeoff report {name(folder)} writes the report."
        out.print(f"\nReport: [bold]{name(report)}[/bold]" if report else f"\n{later}")
    else:
        JsonLines(sys.stdout).study_ended(outcome, folder, report)
    return exit_status(outcome)


def train(plan: Plan, run: Callable[[Observer], Outcome], *loggers: Observer) -> Outcome:
    """Carry a plan out, with progress bars in a terminal, and a line of JSON per run elsewhere."""
    if not out.is_terminal:
        print_warnings(plan, err)
        return run(Together(JsonLines(sys.stdout), *loggers))
    print_heading(plan)
    with Live(out) as live:
        return run(Together(live, *loggers))


def exit_status(outcome: Outcome) -> int:
    """Say what did not go well; return the exit status.

    It is 1 for a run that failed or could not be judged on corrupted images, 3 for a time limit, 128 + a signal.
    """
    bad = [record for record in outcome.records if record.state in (RunState.FAILED, RunState.DIVERGED)]
    for record in bad:
        complain(f"{record.spec.model.title} {record.spec.turn} {record.state}: {record.error}")
    if any(record.state is RunState.FAILED for record in bad):
        err.print("what failed stays so; the same command with --retry-failed tries it again")
    for record, why in outcome.unmeasured:
        warn(f"{record.spec.model.title} {record.spec.turn} could not be judged on corrupted images: {why}")
    if outcome.unmeasured:
        err.print("its figures stay missing; the same command tries it again, and trains nothing for it")
    if outcome.stopped:
        left = plural(sum(not record.state.is_final for record in outcome.records), "run is left", "runs are left")
        err.print(f"{name(outcome.stopped)}; {left}, and the same command goes on where it was")
        return 128 + outcome.signalled if outcome.signalled else STOPPED
    return 1 if bad or outcome.unmeasured else 0
