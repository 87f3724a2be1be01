"""The list of the systems that `bakeoff reproduce` knows. It needs no network, so that it is there at once."""

from rich.console import Console
from rich.table import Table

from bakeoff.cli.console import out, percent
from bakeoff.specs.entry import Reported
from bakeoff.specs.library import systems

WIDTH = 116  # where there is no terminal


def list_systems() -> None:
    """Print every system with what its document reports: accuracies as they stand there, losses in brackets."""
    table = Table(box=None, pad_edge=False)
    for column in ("system", "document", "parameters", "test", "validation", "training", "s/epoch"):
        words = column in ("system", "document")
        table.add_column(column, justify="left" if words else "right", no_wrap=column == "system")
    for system, entry in sorted(systems().items(), key=lambda item: item[1].document or "none"):
        told = entry.reported
        table.add_row(
            system,
            entry.document or "–",
            f"{entry.parameters.total:,}" if entry.parameters else "–",
            _told(told, "test"),
            _told(told, "val"),
            _told(told, "train" if told.train_accuracy else "running_train"),
            span(told.seconds) if told.seconds else "–",
        )
    console = out if out.is_terminal else Console(width=WIDTH, highlight=False)
    console.print(table)


def _told(reported: Reported, part: str) -> str:
    accuracy, loss = getattr(reported, f"{part}_accuracy"), getattr(reported, f"{part}_loss")
    if accuracy is None:
        return "–"
    return percent(accuracy) + ("" if loss is None else f" ({loss:.5g})")


def span(ends: tuple[float, float]) -> str:
    """Return two numbers of three digits, or one where they are the same."""
    low, high = (f"{end:.3g}" for end in ends)
    return low if low == high else f"{low} to {high}"
