"""What `bakeoff compare` does once its arguments are known."""

import shlex
import sys
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from bakeoff import api
from bakeoff.cli.console import complain, duration, err, name, out
from bakeoff.cli.dataset import left_out, warning
from bakeoff.cli.leaderboard import print_judgement, print_table
from bakeoff.cli.live import JsonLines, Live
from bakeoff.data.locations import Locations
from bakeoff.errors import SpecError
from bakeoff.records.run import RunState
from bakeoff.report.text import plural
from bakeoff.run.device import device_name, find_device
from bakeoff.run.estimate import estimate_seconds
from bakeoff.run.resolve import PlannedRun
from bakeoff.specs.files import naming_lines
from bakeoff.study import looks
from bakeoff.study.execute import Observer, Outcome
from bakeoff.study.plan import Plan, make_plan
from bakeoff.tracking import tracking
from bakeoff.tracking.together import Together

STOPPED = 3  # exit status where a time limit was reached before all runs were done


def run_comparison(
    study: dict[str, Any],
    folder: Path | None,
    data_dir: Path | None,
    device: str,
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
    with naming_lines(study["config"]):
        plan = make_plan(api.declare(**study), where, find_device(device))
    folder = folder or plan.default_folder()
    if dry_run:
        print_plan(plan, folder)
        return 0
    with tracking(track, plan, folder) as loggers:
        outcome = train(plan, folder, where, time_limit, database, *loggers, retry_failed=retry_failed)
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


def train(
    plan: Plan,
    folder: Path,
    where: Locations,
    time_limit: float | None,
    database: str | None = None,
    *loggers: Observer,
    retry_failed: bool,
) -> Outcome:
    """Train what a plan still lacks, with progress bars in a terminal, and a line of JSON per run elsewhere."""

    def run(observer: Observer) -> Outcome:
        how: dict[str, Any] = {"time_limit": time_limit, "database": database, "retry_failed": retry_failed}
        return api.run(plan, folder, where, Together(observer, *loggers), **how)

    if not out.is_terminal:
        print_warnings(plan, err)
        return run(JsonLines(sys.stdout))
    print_heading(plan)
    with Live(out) as live:
        return run(live)


def exit_status(outcome: Outcome) -> int:
    """Say what did not go well; return the exit status: 1 for a failed run, 3 for a time limit, 128 + a signal."""
    bad = [record for record in outcome.records if record.state in (RunState.FAILED, RunState.DIVERGED)]
    for record in bad:
        complain(f"{record.spec.model.title} {record.spec.turn} {record.state}: {record.error}")
    if any(record.state is RunState.FAILED for record in bad):
        err.print("what failed stays so; the same command with --retry-failed tries it again")
    if outcome.stopped:
        left = plural(sum(not record.state.is_final for record in outcome.records), "run is left", "runs are left")
        err.print(f"{name(outcome.stopped)}; {left}, and the same command goes on where it was")
        return 128 + outcome.signalled if outcome.signalled else STOPPED
    return 1 if bad else 0


def print_heading(plan: Plan) -> None:
    """Print what is compared on which data."""
    count, height, width, channels = plan.images.images.shape
    parts = plan.split
    first = plan.runs[0].spec
    out.print(
        f"[bold]{name(plan.study.data.name)}[/bold]: {count:,} images of {width}x{height}x{channels} in "
        f"{plan.images.num_classes} classes; {len(parts.train):,} to train, {len(parts.val):,} to validate, "
        f"{len(parts.test):,} to test, locked until a model is final{_in_folds(plan)}"
    )
    if skipped := plan.images.provenance.get("skipped"):
        out.print(left_out(skipped))
    print_warnings(plan, out)
    models = {(run.spec.model.title, run.spec.recipe.name) for run in plan.runs}
    precision = {"off": "float32"}.get(first.recipe.amp, first.recipe.amp)
    out.print(
        f"{plural(len(plan.runs), 'run')} of {plural(len(models), 'model')}, {plan.study.protocol.mode}, "
        f"on {device_name(plan.device)}, {precision}"
    )


def _in_folds(plan: Plan) -> str:
    folds, seeds = plan.study.protocol.folds, plural(len(plan.study.seeds), "seed")
    return f"; in each of {folds} folds for {seeds}, so that every image is tested once for a seed" if folds else ""


def print_warnings(plan: Plan, to: Console) -> None:
    """Print what may make the comparison less honest: what is wrong with the data, and who looked at its test set."""
    if found := warning(plan.examined):
        data = plan.study.data
        options = [f"--data-dir {shlex.quote(str(plan.where.data_dir))}"] if plan.where.data_dir else []
        command = shlex.join(["bakeoff", "data", data.name, "--check", *(["--skip-bad"] if data.skip_bad else [])])
        to.print(f"[yellow]Data[/yellow]: {name(found)}. More by: {name(' '.join([command, *options]))}")
    if before := looks.sentence(looks.ledger_of(plan).others({run.spec.run_id for run in plan.runs})):
        to.print(f"[yellow]Test set[/yellow]: {name(before)}")


def print_plan(plan: Plan, folder: Path) -> None:
    """Print what a plan would do, and how long it would take."""
    print_heading(plan)
    table = Table(box=None, pad_edge=False)
    for column in ("model", "recipe", "input", "epochs", "batch", "optimizer", "lr", "runs", "time"):
        table.add_column(column, justify="left" if column in ("model", "recipe", "optimizer") else "right")
    variants: dict[tuple[str, str], list[PlannedRun]] = {}
    for run in plan.runs:
        variants.setdefault((run.spec.model.title, run.spec.recipe.name), []).append(run)
    total = 0.0
    for (model, recipe), runs in variants.items():
        spec = runs[0].spec
        seconds = estimate_seconds(runs[0], plan.images, plan.split, plan.device) * len(runs)
        total += seconds
        table.add_row(
            name(model),
            name(recipe),
            f"{spec.model.image_size}",
            f"{spec.recipe.epochs}",
            f"{spec.recipe.batch_size}",
            spec.recipe.optimizer.name,
            f"{spec.recipe.optimizer.lr:g}",
            f"{len(runs)}",
            duration(seconds),
        )
    out.print(table)
    for deviation in {deviation for run in plan.runs for deviation in run.deviations}:
        out.print(name(f"deviation: {deviation.what} {deviation.wanted} -> {deviation.got}: {deviation.why}"))
    out.print(f"About {duration(total)} in all, by a few steps of each model. Output: {name(folder)}")
