"""What stands above a comparison: what is compared on which data, and what may make that less honest."""

import shlex

from rich.console import Console

from bakeoff.cli.console import name, out
from bakeoff.cli.dataset import left_out, warning
from bakeoff.data.splits import split
from bakeoff.report.text import plural
from bakeoff.run.device import device_name
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol
from bakeoff.study import looks
from bakeoff.study.plan import Plan


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
    models = {run.spec.model.title for run in plan.runs}
    variants = {(run.spec.model.title, run.spec.recipe.name) for run in plan.runs}
    settings = f" in {len(variants)} variants" if len(variants) > len(models) else ""
    precision = {"off": "float32"}.get(first.recipe.amp, first.recipe.amp)
    out.print(
        f"{plural(len(plan.runs), 'run')} of {plural(len(models), 'model')}{settings}, {_mode(plan)}, "
        f"on {device_name(plan.device)}, {precision}"
    )


def _mode(plan: Plan) -> str:
    """Return how models are compared, with what a budget is of."""
    protocol = plan.study.protocol
    spent = protocol.budget.model_dump(exclude_none=True) if protocol.budget else {}
    return " ".join([protocol.mode, *(f"of {amount:,g} {kind}" for kind, amount in spent.items())])


def _in_folds(plan: Plan) -> str:
    folds, seeds = plan.study.protocol.folds, plural(len(plan.study.seeds), "seed")
    return f"; in each of {folds} folds for {seeds}, so that every image is tested once for a seed" if folds else ""


def print_warnings(plan: Plan, to: Console) -> None:
    """Print what may make the comparison less honest: what is wrong with the data, and who looked at its test set."""
    if found := warning(plan.examined):
        to.print(f"[yellow]Data[/yellow]: {name(found)}. {name(_more(plan))}")
    if before := looks.sentence(looks.ledger_of(plan).others({run.spec.run_id for run in plan.runs}, plan.study_id)):
        to.print(f"[yellow]Test set[/yellow]: {before}")


def _more(plan: Plan) -> str:
    """Say what shows all that the checks found: a command, where there is one that looks at the same parts."""
    data = plan.study.data
    checked = DataSpec.parse({"name": data.name, "image_size": data.image_size, "skip_bad": data.skip_bad})
    if data != checked or split(plan.images, checked, Protocol()).digest != plan.split.digest:
        return "More under 'Data set' in the report."
    words = ["bakeoff", "data", data.name, "--check"]
    words += ["--imgsz", str(data.image_size)] if data.image_size else []
    words += ["--skip-bad"] if data.skip_bad else []
    words += ["--data-dir", str(plan.where.data_dir)] if plan.where.data_dir else []
    return f"More by: {shlex.join(words)}"
