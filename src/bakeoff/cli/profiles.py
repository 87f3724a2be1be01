"""What `bakeoff profile` prints."""

from pathlib import Path

from rich.table import Table

from bakeoff.cli.busy import print_if_busy
from bakeoff.cli.console import name, out
from bakeoff.run.profile import PHASES, Profile
from bakeoff.specs.run import RunSpec
from bakeoff.training.precision import native_bf16

LEAST_SHARE = 0.005  # of the slowest operations that are named
WHAT = {
    "data": "gather and augment the batch",
    "pick": "pick its hardest images",
    "prepare": "resize and normalize",
    "forward": "forward pass",
    "backward": "loss and backward pass",
    "optimizer": "update of the weights",
}


def print_profile(spec: RunSpec, found: Profile, trace: Path | None = None) -> None:
    """Print one run's profile, and in which file a trace of it is."""
    recipe = spec.recipe
    precision = {"off": "float32"}.get(recipe.amp, recipe.amp)
    out.print(
        f"[bold]{name(spec.model.title)}[/bold]: batch {found.batch_size} at {spec.model.image_size} pixels, "
        f"{precision}, engine {recipe.engine}, median of {found.steps} steps"
    )
    table = Table(box=None, pad_edge=False)
    for column in ("phase", "ms", "share"):
        table.add_column(column, justify="left" if column == "phase" else "right")
    for phase in PHASES if recipe.hard_examples else [phase for phase in PHASES if phase != "pick"]:
        table.add_row(WHAT[phase], *_cells(found.seconds[phase], found.total))
    table.add_row("other", *_cells(max(found.total - sum(found.seconds.values()), 0.0), found.total))
    table.add_row("a step", *_cells(found.total, found.total))
    out.print(table)
    out.print(
        f"{found.images_per_second:,.0f} images/s; input-bound by {100 * found.input_bound:.0f} %; "
        f"{found.flops / found.total / 1e9:,.1f} GFLOP/s, {100 * found.attained:.0f} % of the "
        f"{found.ceiling / 1e9:,.0f} that products of large matrices reach here"
    )
    slowest = [f"{name(what)} {100 * share:.0f} %" for what, share in found.operations if share >= LEAST_SHARE]
    out.print("slowest operations: " + ", ".join(slowest))
    if trace:
        out.print(f"trace: {name(trace)}", soft_wrap=True)
    print_if_busy([found.awake])
    for hint in ["no advice by times that others had a part in"] if found.crowded else hints(spec, found):
        out.print(f"- {hint}")
    out.print()


def _cells(seconds: float, total: float) -> tuple[str, str]:
    return f"{1000 * seconds:.2f}", f"{100 * seconds / total:.0f} %"


def hints(spec: RunSpec, found: Profile) -> list[str]:
    """Return what would make these steps faster, or else that no setting stands out."""
    recipe = spec.recipe
    advice = []
    if found.frozen:
        advice.append(
            "the backbone is frozen: its features are computed once, and then steps go through the head alone"
        )
    if found.seconds["data"] > 0.2 * found.total:
        names = ", ".join(augmentation.name for augmentation in recipe.augment) or "gathering"
        advice.append(f"a fifth of a step or more goes into the batch ({names}): fewer or cheaper augmentations help")
    if found.seconds["prepare"] > 0.2 * found.total:
        advice.append(f"resizing to {spec.model.image_size} pixels costs as much as it shows: a smaller --imgsz helps")
    if found.seconds["optimizer"] > 0.2 * found.total:
        advice.append("the update is a large share of a step: a larger --batch-size makes fewer of them")
    elif found.attained < 0.3 and found.batch_size < 128 and not found.frozen:
        advice.append("the arithmetic is far from the machine's ceiling: try a larger --batch-size")
    if recipe.amp == "off" and native_bf16():
        advice.append("this processor multiplies bf16 natively: --amp bf16")
    return advice or [
        "no setting stands out: batch, resizing and update each take a fifth of a step or less, and the rest goes with "
        "the network and the size of its input"
    ]
