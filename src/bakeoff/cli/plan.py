"""`bakeoff plan`."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from typer import Option

if TYPE_CHECKING:
    from bakeoff.evidence.power import Spread

DIFFERENCES = (0.5, 1.0, 2.0)  # points, besides the one that is asked for
WANTED = 0.8
IMAGES = 10_000
DEFAULT = "the default, of small, little trained networks on CIFAR-10; see --from"


def plan(
    detect: Annotated[float, Option(help="The difference to find, in percentage points.")] = 1.0,
    from_: Annotated[
        Path | None,
        Option("--from", metavar="OUT", help="A finished comparison to take the variances from.", show_default=False),
    ] = None,
    images: Annotated[int | None, Option(help="Test images.", show_default="those of OUT, or 10000", min=2)] = None,
    models: Annotated[int, Option(help="Models in the comparison, all pairs of which are tested.", min=2)] = 2,
    plot: Annotated[
        Path | None, Option(help="Also draw the curve of seeds into this file: .png or .pdf.", show_default=False)
    ] = None,
) -> None:
    """Say how many seeds a comparison needs to find a difference in accuracy of so many points."""
    from bakeoff.cli.console import name, out
    from bakeoff.errors import SpecError
    from bakeoff.evidence.power import CIFAR10

    if not 0 < detect <= 100:
        raise SpecError(f"--detect is a number of points above 0, at most 100; got {detect:g}")
    assumed = _measured(from_) if from_ else _Assumed(CIFAR10, IMAGES, DEFAULT)
    if assumed.doubt:
        out.print(f"[yellow]Doubtful[/yellow]: {name(assumed.doubt)}")
    if plot:  # first, so that a name that cannot be drawn to is told before there is an answer
        _draw(assumed, images or assumed.images, models, plot)
    _answer(detect, assumed.spread, images or assumed.images, models)
    spread = assumed.spread
    out.print(
        f"Assumed: {100 * spread.seed:.2f} points of spread over seeds, and a variance on one image of"
        f" {spread.residual:.3f} by chance of the seed and {spread.image:.3f} between two models,"
        f" {name(assumed.source)}."
    )
    if plot:
        out.print(f"The curve of seeds is drawn in {name(str(plot))}.")


@dataclass(frozen=True)
class _Assumed:
    """What a plan reckons with: variances, how many test images, where both are from, and what is doubtful about it."""

    spread: "Spread"
    images: int
    source: str
    doubt: str = ""


def _measured(folder: Path) -> _Assumed:
    """Return what a study says of a typical pair of its models; where it cannot tell, the default, and that it is."""
    from bakeoff.errors import StoreError
    from bakeoff.evidence.power import CIFAR10
    from bakeoff.result import load
    from bakeoff.study.spread import ENOUGH, measured_spread

    answers = load(folder).answers()
    if answers.refusal:
        raise StoreError(answers.refusal)
    if answers.folding:
        raise StoreError(
            f"{folder} is a cross-validation, which does not tell seeds and images apart; give another study"
        )
    if not answers.right:
        raise StoreError(f"no run of {folder} has finished with predictions to read; let it go on first")
    found, images = measured_spread(answers.right), next(iter(answers.right.values())).shape[1]
    if found.spread:
        return _Assumed(found.spread, images, f"as measured in {folder}", found.doubt)
    doubt = (
        f"how far models spread over seeds cannot be told from {folder}: {found.doubt}. All that stands here is for the"
        f" default spread instead; {ENOUGH} runs of each of two models or more would tell."
    )
    return _Assumed(CIFAR10, images, DEFAULT, doubt)


def _draw(assumed: _Assumed, images: int, models: int, path: Path) -> None:
    from bakeoff.formats import draw
    from bakeoff.report.power import power_figure

    source = f"Spread over seeds: {assumed.source}."
    draw(power_figure(assumed.spread, images, models * (models - 1) // 2, source), path)


def _answer(detect: float, spread: "Spread", images: int, models: int) -> None:
    from rich.table import Table

    from bakeoff.cli.console import out
    from bakeoff.evidence.power import detectable, seeds_needed

    pairs = models * (models - 1) // 2
    alpha = 0.05 / pairs
    needed = {
        points: seeds_needed(points / 100, spread, images, alpha=alpha, wanted=WANTED)
        for points in sorted({detect, *DIFFERENCES})
    }
    found = f"{needed[detect]} seeds of each model find" if needed[detect] else "No number of seeds up to 100 finds"
    out.print(f"[bold]{found} a difference of {_points(detect)}[/bold] in {10 * WANTED:.0f} of 10 cases.")
    if not needed[detect]:
        out.print("More test images may be what it takes: seeds do not lessen the luck in the choice of images.")
    table = Table(box=None, pad_edge=False)
    for column in ("difference", "seeds of each model"):
        table.add_column(column, justify="right")
    for points, seeds in needed.items():
        table.add_row(_points(points), str(seeds) if seeds else "over 100, or none")
    out.print(table)
    smallest = 100 * detectable(3, spread, images, alpha=alpha, wanted=WANTED)
    out.print(f"Three seeds find differences from {smallest:.1f} points on.")
    corrected = f", divided by {pairs} pairs of {models} models" if pairs > 1 else ""
    out.print(
        f"For {images:,} test images and a test at the 5 % level{corrected}; new seeds, the same training images."
    )


def _points(difference: float) -> str:
    return f"{difference:g} point{'' if difference == 1 else 's'}"
