"""What the checks of the data found before training, with pictures of the worst."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from bakeoff.data.checks import Finding
from bakeoff.data.examine import Examined
from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import members
from bakeoff.report.answers import TestAnswers
from bakeoff.report.dataset import PARTS
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.table import Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import join, percent, plural, short, signed, whole
from bakeoff.report.tiles import Tile, tile

GROUPS = 16  # of a finding, that are shown
TOGETHER = 4  # images of a group


@dataclass(frozen=True)
class Twin:
    """An image, the part that it is in and its class."""

    tile: Tile
    part: str
    name: str


@dataclass(frozen=True)
class Twins:
    """A finding, and images that belong together, group by group."""

    title: str
    advice: str
    groups: tuple[tuple[Twin, ...], ...]


def examined(subject: Subject) -> Examined | None:
    """Return what the checks found when the study began; None where it was begun before there were checks."""
    content = subject.about["data"].get("checks")
    return Examined.parse(content) if content else None


def finding_table(checked: Examined | None) -> Table | None:
    """Return every finding, with what to do; None where there is none."""
    if checked is None or not checked.findings:
        return None
    rows: Rows = [
        (
            Value("problem" if finding.grave else "to look at", shade=1.0 if finding.grave else None),
            _capital(finding.what),
            whole(finding.count),
            short("; ".join(finding.examples), 200),
            _capital(finding.advice),
        )
        for finding in checked.findings
    ]
    columns = (*text_columns("kind", "finding"), *number_columns("count"), *text_columns("such as", "what to do"))
    return Table("What the checks of the data found", columns, rows)


def accuracy_without(contenders: Sequence[Contender], test: TestAnswers, checked: Examined | None) -> Table | None:
    """Return the accuracy of every model with and without the test images that models may know; None without such."""
    leaked = [index for finding in checked.findings for index in finding.leaked] if checked else []
    known = np.isin(test.indices, leaked)
    if not known.any() or known.all():
        return None
    rows: Rows = []
    for contender in contenders:
        right = test.of[contender.place].predicted == test.labels
        figures = [right.mean(), right[:, ~known].mean(), right[:, known].mean()]
        cells = (Value(percent(float(share)), float(share)) for share in figures)
        lost = float(figures[1] - figures[0])
        rows.append((Value(contender.label, place=contender.place), *cells, Value(signed(lost, 2), lost)))
    columns = (*text_columns("model"), *number_columns("all test images", "without copies", "copies alone", "points"))
    which = f"{plural(int(known.sum()), 'test image')} with a copy or near copy"
    note = f"There are {which} among the training or validation images, as far as the checks are right."
    return Table("Test accuracy without copies", columns, rows, note)


def checks_note(checked: Examined | None) -> str:
    """Say what was checked where nothing was found, and what was not."""
    if checked is None:
        return "The data was not checked when this study began."
    left = f"Not made, since they take long on this data: {join(list(checked.left_out))}." if checked.left_out else ""
    nothing = "" if checked.findings else "The checks of the data found nothing."
    return " ".join(filter(None, (nothing, left)))


def twins(subject: Subject, checked: Examined | None) -> list[Twins]:
    """Return pictures of the findings that have some, where the images are at hand."""
    if subject.images is None or checked is None:
        return []
    part_of = {
        int(index): PARTS[part]
        for part, indices in members(subject.images, subject.data, subject.protocol).items()
        for index in indices
    }
    return [_twins(subject.images, part_of, finding) for finding in checked.findings if finding.groups]


def _twins(images: ImageSet, part_of: dict[int, str], finding: Finding) -> Twins:
    groups = tuple(
        tuple(
            Twin(
                tile(images.images[index]), part_of.get(index, ""), short(images.class_names[images.labels[index]], 24)
            )
            for index in group[:TOGETHER]
        )
        for group in finding.groups[:GROUPS]
    )
    return Twins(_capital(finding.what), _capital(finding.advice), groups)


def _capital(sentence: str) -> str:
    return sentence[:1].upper() + sentence[1:]
