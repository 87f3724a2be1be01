"""What a plan would do: its models side by side, in what they differ, and how long it would take."""

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path

from rich.table import Table

from bakeoff import api
from bakeoff.cli.busy import print_if_busy
from bakeoff.cli.console import duration, name, out
from bakeoff.cli.heading import print_heading
from bakeoff.records.run import Deviation, RunState
from bakeoff.report.text import NONE, plural
from bakeoff.run.estimate import estimate
from bakeoff.run.resolve import PlannedRun
from bakeoff.specs.base import as_written, flat
from bakeoff.specs.recipe import NO_END
from bakeoff.specs.run import RunSpec
from bakeoff.store.folder import STUDY_FILE
from bakeoff.study.expand import OF_A_RUN
from bakeoff.study.plan import Plan

COLUMNS = {
    "input": "model.image_size",
    "epochs": "recipe.epochs",
    "batch": "recipe.batch_size",
    "optimizer": "recipe.optimizer.name",
    "lr": "recipe.optimizer.lr",
}
# Of what has no column, the fields that are told also where they are the same for all.
TOLD = (
    "model.weights",
    "recipe.schedule.name",
    "recipe.augment",
    "recipe.normalize",
    "recipe.select",
    "recipe.amp",
    "recipe.engine",
)
NAMES = ("model.name", "model.label", "model.weights_sha256", "recipe.name")

Variants = Mapping[str, Sequence[PlannedRun]]


def print_plan(plan: Plan, folder: Path) -> None:
    """Print what a plan would do, and how long it would take."""
    print_heading(plan)
    variants: dict[str, list[PlannedRun]] = {}
    kinds = {(run.spec.model.title, run.spec.recipe.name) for run in plan.runs}
    of_a_model = Counter(title for title, _ in kinds)
    for run in plan.runs:
        title = run.spec.model.title
        named = f"{title}, {run.spec.recipe.name}" if of_a_model[title] > 1 else title
        variants.setdefault(named, []).append(run)
    finished = _finished(plan, folder)
    seconds, shares = _seconds(plan, variants, finished)
    _print_table(variants, seconds)
    _print_fields({title: _fields(runs[0].spec) for title, runs in variants.items()})
    _print_deviations(variants)
    if finished:
        out.print(f"{len(finished)} of {plural(len(plan.runs), 'run')} {'is' if len(finished) == 1 else 'are'} done.")
    total = f"About {duration(sum(seconds.values()))} of training in all, by a few steps of each model."
    out.print(total if len(finished) < len(plan.runs) else "There is nothing left to train.")
    print_if_busy(shares)
    out.print(f"Output: {name(str(folder))}")
    out.print("A dry run trains nothing and leaves the test set locked: it counts as no look at it.")


def _finished(plan: Plan, folder: Path) -> set[str]:
    """Return the runs of a plan that are done in its folder."""
    if not (folder / STUDY_FILE).exists():
        return set()
    done = {record.run_id for record in api.load(folder).runs if record.state is RunState.FINISHED}
    return done & {run.spec.run_id for run in plan.runs}


def _seconds(plan: Plan, variants: Variants, finished: set[str]) -> tuple[dict[str, float], list[float | None]]:
    """Return the seconds that are left of every variant, by a few steps of its first run, with its share of a core.

    Features of a frozen backbone count for the first that needs them, once for each division of the images, and for
    each seed where the backbone's weights are random.
    """
    seconds = dict.fromkeys(variants, 0.0)
    computed: set[Path] = set()
    shares: list[float | None] = []
    for title, runs in variants.items():
        if left := [run for run in runs if run.spec.run_id not in finished]:
            parts = plan.split_of(left[0].spec)
            found = estimate(left[0], plan.images, parts, plan.device, plan.features)
            once = sum(found.features[file] for file in found.features.keys() - computed)
            turns = len({(id(plan.split_of(run.spec)), None if run.weights else run.spec.seed) for run in left})
            seconds[title] = found.training * len(left) + once * turns
            computed |= found.features.keys()
            shares.append(found.awake)
    return seconds, shares


def _print_table(variants: Variants, seconds: Mapping[str, float]) -> None:
    table = Table(box=None, pad_edge=False)
    for column in ("model", "recipe", *COLUMNS, "runs", "time"):
        table.add_column(column, justify="left" if column in ("model", "recipe", "optimizer") else "right")
    for title, runs in variants.items():
        spec = runs[0].spec
        fields = _fields(spec) | ({"recipe.epochs": NONE} if spec.recipe.epochs == NO_END else {})
        shown = [spec.model.title, spec.recipe.name, *map(fields.__getitem__, COLUMNS.values())]
        table.add_row(*map(name, shown), f"{len(runs)}", duration(seconds[title]))
    out.print(table)


def _fields(spec: RunSpec) -> dict[str, str]:
    """Return every setting that runs of a study may differ in, under its dotted path and as a study file has it."""
    return {
        path: as_written(value)
        for path, value in flat(spec.content()).items()
        if path not in NAMES and (path.startswith(("model.", "recipe.")) or path in OF_A_RUN)
    }


def _print_fields(fields: Mapping[str, Mapping[str, str]]) -> None:
    """Print what the columns leave out: what is the same for all models, and what is not."""
    paths = dict.fromkeys(path for of_one in fields.values() for path in of_one if path not in COLUMNS.values())
    by_value: dict[str, dict[str, list[str]]] = {path: {} for path in paths}
    for title, of_one in fields.items():
        for path in paths:
            by_value[path].setdefault(of_one.get(path, "none"), []).append(title)
    equal = [f"{_short(path)} {next(iter(by_value[path]))}" for path in TOLD if len(by_value.get(path, ())) == 1]
    out.print(name(f"Equal for all: {', '.join(equal)}"))
    for path, values in by_value.items():
        if len(values) > 1:
            told = "; ".join(f"{value} for {', '.join(titles)}" for value, titles in values.items())
            out.print(name(f"Differs: {_short(path)}: {told}"))


def _short(path: str) -> str:
    return path.partition(".")[2].removesuffix(".name")


def _print_deviations(variants: Variants) -> None:
    """Print in what models are not trained as asked for, once for all that share it."""
    titles: dict[Deviation, list[str]] = {}
    for title, runs in variants.items():
        for deviation in dict.fromkeys(deviation for run in runs for deviation in run.deviations):
            titles.setdefault(deviation, []).append(title)
    for deviation, of in titles.items():
        told = f"{deviation.what} {deviation.wanted} -> {deviation.got} ({', '.join(of)}): {deviation.why}"
        out.print(name(f"Deviation: {told}"))
