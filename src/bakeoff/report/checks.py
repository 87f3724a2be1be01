"""What the checks of the data found before training, with pictures of the worst."""

from dataclasses import dataclass

from bakeoff.data.checks import Finding
from bakeoff.data.examine import Examined
from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import members
from bakeoff.report.dataset import PARTS
from bakeoff.report.subject import Subject
from bakeoff.report.table import Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import join, short, whole
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
