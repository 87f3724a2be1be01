"""Figures as files, for papers and slides: the ones of the report, in the same colours, drawn by matplotlib."""

import re
import warnings
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol

from bakeoff.errors import StoreError
from bakeoff.export.plot import draw

if TYPE_CHECKING:
    from matplotlib.figure import Figure

Kind = Literal["png", "pdf"]

WIDTH, WIDE, HEIGHT, LOWEST = 5.2, 7.2, 3.4, 1.6  # inches
PIXELS = 80  # of the page, in an inch
CELL = 0.2  # inches, of a row of a heat map, so that names beside it have room
DPI = 200
STYLE: dict[str, Any] = {
    "text.parse_math": False,  # a name may hold a dollar sign
    "pdf.fonttype": 42,  # text that other programs can select and edit
    "font.size": 9,
    "axes.titlesize": 10,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "legend.fontsize": 8,
}


class Drawable(Protocol):
    """A figure of the report: an id for the file's name, its words, and data and layout for Plotly."""

    @property
    def id(self) -> str:
        """Names the file."""

    @property
    def title(self) -> str:
        """Stands above the figure."""

    @property
    def description(self) -> str:
        """What is to be seen, for those who cannot."""

    @property
    def wide(self) -> bool:
        """Whether it needs much room."""

    @property
    def height(self) -> int | None:
        """In pixels of the page; None for the usual one."""

    @property
    def plot(self) -> dict[str, Any]:
        """Data and layout, as Plotly takes them."""


def save(figures: Iterable[Drawable], colours: Mapping[str, str], folder: Path, kind: Kind = "png") -> list[Path]:
    """Write a file for each figure into a folder, which is made, and return their paths.

    Args:
        figures: of the report.
        colours: values of the variables of its style sheet.
        folder: an existing one keeps its other files.
        kind: png, at 200 dots an inch, or pdf, which is made of lines.

    Raises:
        StoreError: the folder or a file cannot be written.
    """
    paths = []
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for figure in figures:
            path = folder / f"{re.sub(r'[^a-z0-9-]', '', figure.id)}.{kind}"
            _save(figure, colours, path, kind)
            paths.append(path)
    except OSError as error:
        raise StoreError(f"cannot write figures to {folder}: {error.strerror}; give another folder") from None
    return paths


def save_as(figure: Drawable, colours: Mapping[str, str], path: Path, kind: Kind) -> None:
    """Write one figure into a file; raise `StoreError` where that cannot be."""
    try:
        _save(figure, colours, path, kind)
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; give another path") from None


def _save(figure: Drawable, colours: Mapping[str, str], path: Path, kind: Kind) -> None:
    import matplotlib as mpl

    words = {"Title": figure.title, ("Description" if kind == "png" else "Subject"): figure.description}
    metadata: dict[str, Any] = {key: text.encode("utf-8", "replace").decode() for key, text in words.items()}
    dates: dict[str, Any] = {"CreationDate": None} if kind == "pdf" else {}  # equal studies give equal files
    style: Any = STYLE | {f"{part}.color": colours["text"] for part in ("text", "xtick", "ytick")}
    style |= {"grid.color": colours["line"], "axes.edgecolor": colours["edge"], "axes.labelcolor": colours["text"]}
    with mpl.rc_context(style), warnings.catch_warnings():
        # A name in a script that the font lacks, and models that all cost the same.
        warnings.filterwarnings("ignore", "Glyph|Attempting to set identical", UserWarning)
        _drawn(figure, colours).savefig(path, format=kind, dpi=DPI, metadata=metadata | dates, bbox_inches="tight")


def _drawn(figure: Drawable, colours: Mapping[str, str]) -> "Figure":
    from matplotlib.figure import Figure

    plot = figure.plot
    height = HEIGHT if figure.height is None else max(LOWEST, figure.height / PIXELS)
    height = max(height, *(CELL * len(trace.get("z", ())) for trace in plot["data"]))
    drawn = Figure(figsize=(WIDE if figure.wide else WIDTH, height), facecolor="white")
    axes = drawn.subplots()
    axes.set_title(figure.title.encode("utf-8", "replace").decode(), pad=10)
    draw(axes, plot, colours)
    return drawn
