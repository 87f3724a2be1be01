"""The list of the systems that `bakeoff reproduce` knows. It needs no network, so that it is there at once."""

from rich.console import Console
from rich.table import Table

from bakeoff.cli.console import out, percent
from bakeoff.specs.entry import Entry, Reported
from bakeoff.specs.library import systems

WIDTH = 124  # where there is no terminal


def list_systems() -> None:
    """Print every system with what its document reports: accuracies as they stand there, losses in brackets.

    A `~` marks training figures that are means over the last epoch, and not of the final weights. Improvements, and
    systems of no document, come last.
    """
    table = Table(box=None, pad_edge=False)
    for column in ("system", "document", "parameters", "test", "validation", "training", "s/epoch"):
        words = column in ("system", "document")
        table.add_column(column, justify="left" if words else "right", no_wrap=column == "system")
    for system, entry in sorted(systems().items(), key=_place):
        told = entry.reported
        table.add_row(
            system,
            f"{entry.document}, improved" if entry.improves else entry.document or "–",
            f"{entry.parameters.total:,}" if entry.parameters else "–",
            _told(told, "test"),
            _told(told, "val"),
            _told(told, "train") if told.train_accuracy else _running(told),
            span(told.seconds) if told.seconds else "–",
        )
    console = out if out.is_terminal else Console(width=WIDTH, highlight=False)
    console.print(table)
    rows = sum(entry.document is not None and entry.improves is None for entry in systems().values())
    console.print(
        f"\nThe {rows} with nothing but a letter are the documents' systems; the others are improvements that a "
        "document proposes, and ours. Losses are in brackets. ~: over the last epoch, while the weights were changing."
    )


def _place(item: tuple[str, Entry]) -> tuple[bool, str]:
    entry = item[1]
    return entry.document is None or entry.improves is not None, entry.document or "none"


def _told(reported: Reported, part: str) -> str:
    accuracy, loss = getattr(reported, f"{part}_accuracy"), getattr(reported, f"{part}_loss")
    if accuracy is None:
        return "–"
    return percent(accuracy) + ("" if loss is None else f" ({loss:.5g})")


def _running(reported: Reported) -> str:
    told = _told(reported, "running_train")
    return told if reported.running_train_accuracy is None else f"~{told}"


def span(ends: tuple[float, float]) -> str:
    """Return two numbers of three digits, or one where they are the same."""
    low, high = (f"{end:.3g}" for end in ends)
    return low if low == high else f"{low} to {high}"
