"""Tables as the page shows them, every cell a text."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Column:
    """A column. Numeric ones are aligned to the right and sorted by value."""

    title: str
    numeric: bool = True
    note: str = ""  # what the title leaves unsaid


def text_columns(*titles: str) -> tuple[Column, ...]:
    """Return columns of names or words."""
    return tuple(Column(title, numeric=False) for title in titles)


def number_columns(*titles: str) -> tuple[Column, ...]:
    """Return columns of numbers."""
    return tuple(Column(title) for title in titles)


@dataclass(frozen=True)
class Value:
    """A cell whose text does not sort by itself, such as a duration or a code with a place in a list.

    Attributes:
        text: what is shown.
        sort: by what it is sorted.
        place: of the contender whose colour stands before it, if any.
        mark: whether it is set off as the best.
        shade: from 0 to 1, how strongly its background says that it is bad.
        code: whether it is a hash or the like, which is never broken.
    """

    text: str
    sort: float | None = None
    place: int | None = None
    mark: bool = False
    shade: float | None = None
    code: bool = False


Cell = str | Value
Rows = list[tuple[Cell, ...]]


@dataclass(frozen=True)
class Table:
    """A table with a caption that says what it holds."""

    caption: str
    columns: tuple[Column, ...]
    rows: Rows
    note: str = ""
