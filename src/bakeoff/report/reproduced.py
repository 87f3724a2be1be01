"""What documents reported of the systems of a study, against what the study gave."""

from collections.abc import Iterator

from bakeoff.report.subject import Contender, Subject
from bakeoff.report.table import Cell, Column, Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import NONE, decimal, percent
from bakeoff.study.reported import Figure
from bakeoff.study.reproduce import Reproduction, reproduction_of

COLUMNS = (
    *text_columns("system", "figure"),
    *number_columns("reported", "reproduced", "sd"),
    Column("95 % of runs", note="Where one more run with another seed would lie; a document reports a single run."),
    *number_columns("runs"),
    Column("reported lies", numeric=False, note="Where the reported figure lies with respect to 95 % of runs."),
)


def reproduced_table(subject: Subject) -> Table | None:
    """Return every figure that a document reports of a model of the study; None where there is none.

    A model counts where it is trained as its document did: with the system's own recipe, on the system's data.
    """
    rows: Rows = [
        row
        for contender in subject.ranked
        if (found := reproduction_of(contender.finished))
        for row in _rows(contender, found)
    ]
    return Table("Reported and reproduced, figure by figure", COLUMNS, rows) if rows else None


def reproduced_notes(subject: Subject) -> list[tuple[str, tuple[str, ...]]]:
    """Return what is to be known of each of these models, by its label."""
    found = [(contender.label, reproduction_of(contender.finished)) for contender in subject.ranked]
    return [(label, one.notes) for label, one in found if one and one.entry.reported.figures]


def _rows(contender: Contender, reproduction: Reproduction) -> Iterator[tuple[Cell, ...]]:
    for figure in reproduction.figures:
        if figure.reported is None:
            continue
        low, high = figure.interval or (None, None)
        yield (
            Value(contender.label, place=contender.place),
            figure.name.replace("_", " "),
            _shown(figure, figure.reported),
            _shown(figure, figure.mean),
            _shown(figure, figure.sd),
            NONE if low is None else f"{_shown(figure, low)} to {_shown(figure, high)}",
            str(len(figure.values)),
            figure.lies or NONE,
        )
    if then := reproduction.entry.reported.seconds:
        least, most = (decimal(seconds, 1) for seconds in then)
        yield (
            Value(contender.label, place=contender.place),
            "seconds per epoch, on another machine",
            least if least == most else f"{least} to {most}",
            decimal(reproduction.seconds, 1),
            NONE,
            NONE,
            str(len(reproduction.finished)),
            NONE,
        )


def _shown(figure: Figure, value: float | None) -> str:
    return percent(value) if figure.name.endswith("accuracy") else decimal(value)
