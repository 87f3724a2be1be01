"""What `bakeoff data` prints."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from rich.table import Table
from rich.text import Text

from bakeoff.cli.console import name, out
from bakeoff.data.examine import Examined
from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import Split, split
from bakeoff.report.dataset import PARTS, class_counts, data_facts, labels_by_part
from bakeoff.report.text import plural
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol
from bakeoff.study.printable import printable

MOST_CLASSES = 30  # that are printed
FEW = 10  # images of a class, below which little can be learnt or said of it
MOST_FEW = 5  # classes with few images that are named


def left_out(skipped: Sequence[Mapping[str, str]]) -> str:
    """Say which unreadable images are left out: how many, and the first few."""
    names = ", ".join(name(one["name"]) for one in skipped[:3])
    return f"left out, because unreadable: {len(skipped)} ({names}{', ...' if len(skipped) > 3 else ''})"


def print_unreadable(images: Sequence[Mapping[str, str]]) -> None:
    """Print every image that cannot be read, a line for each; nothing where all can."""
    if images:
        out.print(
            f"{plural(len(images), 'image')} cannot be read; mend or remove them, or leave them out with --skip-bad:"
        )
    for image in images:
        out.print(Text(f"  {printable(image['name'])} {printable(image['reason'])}"), soft_wrap=True)


def print_findings(examined: Examined) -> None:
    """Print what the checks of a data set found, a block for each: what, some of them, and what to do."""
    out.print()
    if not examined.findings:
        out.print("The checks found nothing.")
    table = Table(box=None, show_header=False, pad_edge=False)
    for finding in examined.findings:
        mark = Text("problem", style="bold red") if finding.grave else Text("look at", style="yellow")
        lines = [finding.what, *(f"  {example}" for example in finding.examples), f"-> {finding.advice}"]
        table.add_row(mark, Text("\n".join(map(printable, lines))))
    out.print(table)
    if any(len(finding.groups) > len(finding.examples) for finding in examined.findings):
        out.print("More of them: bakeoff.check in Python.")


def warning(examined: Examined) -> str:
    """Return what the checks found in a line; nothing where they found nothing grave and nothing to look at."""
    grave = [finding.what for finding in examined.findings if finding.grave]
    others = len(examined.findings) - len(grave)
    more = [f"{others} more to look at" if grave else f"{plural(others, 'thing')} to look at"] if others else []
    return "; ".join([*grave, *more])


def describe(images: ImageSet, spec: DataSpec) -> Split:
    """Print what a data set is, and return how it is split unless a protocol says otherwise."""
    protocol = Protocol()
    parts = split(images, spec, protocol)
    counts = class_counts(labels_by_part(images, spec, protocol), images.num_classes)
    data = {**vars(images), "shape": images.images.shape, "parts": {part: of.sum() for part, of in counts.items()}}
    facts = Table(box=None, show_header=False, pad_edge=False)
    for fact, value in [*data_facts(spec.name, data), ("split", parts.digest)]:
        facts.add_row(fact, Text(printable(value)))
    out.print(facts, "")
    if skipped := images.provenance.get("skipped"):
        out.print(left_out(skipped), "")
    table = Table(box=None, pad_edge=False)
    table.add_column("class")
    for part in counts:
        table.add_column(PARTS[part], justify="right")
    shown = np.arange(images.num_classes)
    if images.num_classes > MOST_CLASSES:
        shown = np.argsort(sum(counts.values()), kind="stable")[:MOST_CLASSES]
        out.print(f"The {MOST_CLASSES} of {images.num_classes:,} classes with the fewest images:")
    for index in shown:
        table.add_row(Text(printable(images.class_names[index])), *(f"{of[index]:,}" for of in counts.values()))
    out.print(table)
    if few := few_images(images.class_names, counts):
        out.print(f"[yellow]Few images[/yellow]: {name(few)}")
    return parts


def few_images(names: Sequence[str], counts: Mapping[str, NDArray[np.int64]]) -> str:
    """Say which classes have too few images to learn or to be judged by; nothing where none has.

    Args:
        names: of the classes.
        counts: images of each class in each part, shape (K,).
    """
    total = np.sum(list(counts.values()), axis=0)
    lacking = np.any([of == 0 for part, of in counts.items() if part != "val" and of.sum()], axis=0)
    few = np.flatnonzero((total < FEW) | lacking)
    if not len(few):
        return ""
    shown = [f"{names[index]} ({total[index]:,})" for index in few[:MOST_FEW]]
    more = ", ..." if len(few) > MOST_FEW else ""
    without = int(lacking.sum())
    absent = f"; {plural(without, 'class is', 'classes are')} missing from a part" if without else ""
    return (
        f"{plural(len(few), 'class has', 'classes have')} fewer than {FEW} images, or none to train or to test with: "
        f"{', '.join(shown)}{more}{absent}. Nothing can be said of these classes alone."
    )
