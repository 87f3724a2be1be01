"""A study in every format that there is, and where each is written."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING

from bakeoff.errors import SpecError, StoreError, UnknownNameError

if TYPE_CHECKING:
    from collections.abc import Callable

    from bakeoff.report.figure import Figure
    from bakeoff.report.subject import Subject
    from bakeoff.study.judgement import Judgement


class Format(StrEnum):
    """What a study is written as."""

    HTML = "html"
    MD = "md"
    CSV = "csv"
    JSON = "json"
    TEX = "tex"
    PNG = "png"
    PDF = "pdf"

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder of figures, a file each."""
        return self in (Format.PNG, Format.PDF)


def chosen(path: Path | None, name: str | None) -> Format:
    """Return the format of that name, else that of the path's suffix, else the page.

    Raises:
        UnknownNameError: a format that there is not.
        SpecError: a path of which no format can be told, or one of a file for a folder of figures.
    """
    if name is not None and name not in list(Format):
        raise UnknownNameError("format", name, list(Format))
    suffix = path.suffix[1:].lower() if path else ""
    if name is None and path is not None and suffix not in list(Format):
        known = ", ".join(f".{kind}" for kind in Format if not kind.is_folder)
        raise SpecError(f"{path} does not say what to write: end it in one of {known}, or name the format")
    found = Format(name or suffix or "html")
    if found.is_folder and suffix == found:
        raise SpecError(f"{path} is one file, but {found} is a folder of figures: give a folder, such as figures")
    return found


def write(subject: "Subject", judge: "Callable[[], Judgement]", kind: Format, path: Path) -> Path:
    """Write a study, and return the path: a file, or the folder of figures.

    Args:
        subject: the study; its images are looked for where the format shows any.
        judge: returns the judgement on its variants by name, for the formats of programs.
        kind: the format.
        path: to write to; an existing folder gets a file of the usual name.

    Raises:
        StoreError: it cannot be written.
    """
    from bakeoff.report import html, markdown

    if kind.is_folder:
        figures(subject, path, kind)
        return path
    to = path / f"report.{kind}" if path.is_dir() else path
    if kind is Format.HTML:
        html.write(subject.with_images(), to)
    elif kind is Format.MD:
        markdown.write(subject, to)
    else:
        _write_text(_content(subject, judge(), kind), to)
    return to


def figures(subject: "Subject", folder: Path, kind: Format) -> list[Path]:
    """Write the figures of the page as files; see `bakeoff.export.figures.save`."""
    from bakeoff.export.figures import save
    from bakeoff.report.html import figures as of_page
    from bakeoff.report.palette import palette

    return save(of_page(subject), palette(), folder, "pdf" if kind is Format.PDF else "png")


def draw(figure: "Figure", path: Path) -> None:
    """Write one figure into a file that ends in .png or .pdf.

    Raises:
        SpecError: another ending.
        StoreError: it cannot be written.
    """
    from bakeoff.export.figures import save_as
    from bakeoff.report.palette import palette

    kind = path.suffix[1:].lower()
    if kind not in (Format.PNG, Format.PDF):
        raise SpecError(f"a figure is written as .png or .pdf; got {path}")
    save_as(figure, palette(), path, "pdf" if kind == Format.PDF else "png")


def _content(subject: "Subject", judgement: "Judgement", kind: Format) -> str:
    """Return what a program loads."""
    from bakeoff.export.latex import as_latex
    from bakeoff.export.record import as_record
    from bakeoff.export.tables import as_csv
    from bakeoff.study.leaderboard import leaderboard
    from bakeoff.study.metrics import read_metrics
    from bakeoff.study.variants import variants

    found = variants(subject.records)
    if kind is Format.TEX:
        return as_latex(leaderboard(found, judgement.verdict), judgement, subject.name, subject.test_images)
    metrics = read_metrics(found, subject.predictions, len(subject.class_names))
    table = leaderboard(found, judgement.verdict, subject.protocol.target_accuracy, metrics)
    if kind is Format.CSV:
        return as_csv(table)
    return as_record(subject.about, subject.records, judgement, table, metrics)


def _write_text(content: str, path: Path) -> None:
    from bakeoff import durable

    try:
        durable.write(path, f"{content}\n".encode("utf-8", "replace"))
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}; give another path") from None
