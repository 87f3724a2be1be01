"""Labels worth a second look: what the best models say of images that they were not trained on."""

from dataclasses import dataclass

from bakeoff.evidence.verdict import Verdict
from bakeoff.report.dataset import PARTS
from bakeoff.report.subject import Subject
from bakeoff.report.table import Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import join, percent, plural, short
from bakeoff.report.tiles import Tile, tile
from bakeoff.study.label_errors import Doubts, find_doubts

PICTURES = 24
ROWS = 100
NOT_ASKED = (
    "Of training images nothing is said, since networks learn their labels, wrong ones too; with --folds, for data "
    "without a test part of its own, networks are asked of every image that were not trained on it."
)
WEAK = 0.3  # share of wrong answers, above which what a model doubts is mostly what it cannot do


@dataclass(frozen=True)
class Doubt:
    """An image, its label and what the models say."""

    tile: Tile
    part: str
    label: str
    suggested: str
    detail: str


@dataclass(frozen=True)
class Doubted:
    """What is shown: how many labels are doubted, by whom, and the first of them, unless the models are weak."""

    note: str
    table: Table | None = None
    pictures: tuple[Doubt, ...] = ()


def doubted(subject: Subject, verdict: Verdict | None) -> Doubted | None:
    """Return the labels that the best models doubt; None where there are none."""
    best = [contender for contender in subject.ranked if verdict and contender.label in verdict.best]
    doubts = find_doubts([record for one in best for record in one.finished], subject.predictions)
    if doubts is None or not doubts.doubted:
        return None
    wrong = float((doubts.probabilities.argmax(1) != doubts.labels).mean())
    note = _note(doubts, [one.label for one in best], wrong) + ("" if subject.protocol.folds else f" {NOT_ASKED}")
    return Doubted(note) if wrong > WEAK else Doubted(note, _table(subject, doubts), _pictures(subject, doubts))


def _note(doubts: Doubts, models: list[str], wrong: float) -> str:
    count, total = len(doubts.doubted), len(doubts.labels)
    asked = join([PARTS[part] for part in dict.fromkeys(doubts.parts.tolist())])
    named = join(models[:3]) if len(models) <= 3 else f"{', '.join(models[:2])} and {len(models) - 2} more"
    if wrong > WEAK:
        return (
            f"By the labels, {named} {'together are' if len(models) > 1 else 'is'} wrong on {percent(wrong, 1)} of the"
            f" {total:,} {asked} images. What such models doubt is mostly what they cannot do, so it is not shown;"
            " Result.label_errors() lists it."
        )
    hard = f"many of the {count:,}" if count > 1 else "it"
    return (
        f"{plural(doubts.runs, 'run')} of {named} together doubt {count:,} of the {total:,} {asked} labels, none of "
        f"which they were trained on. By the labels they are wrong on {percent(wrong, 1)} of these images, so {hard} "
        f"may be hard and not mislabelled: look before you mend.{' The surest come first.' if count > 1 else ''}"
    )


def _table(subject: Subject, doubts: Doubts) -> Table:
    files = subject.images.names if subject.images else ()
    rows: Rows = [
        (
            short(files[row["image"]].rpartition("/")[2], 60) if files else str(row["image"]),
            PARTS[row["part"]],
            short(row["label"]),
            short(row["suggested"]),
            *(
                Value(percent(row[figure], 1), row[figure])
                for figure in ("label_probability", "suggested_probability", "runs_against")
            ),
        )
        for row in doubts.rows(subject.class_names)[:ROWS]
    ]
    words = text_columns("image", "part", "label", "models say")
    columns = (*words, *number_columns("probability of the label", "of what models say", "runs against the label"))
    more = f"The first {ROWS} of {len(doubts.doubted):,}." if len(doubts.doubted) > ROWS else ""
    return Table("Labels worth a second look", columns, rows, more)


def _pictures(subject: Subject, doubts: Doubts) -> tuple[Doubt, ...]:
    if subject.images is None:
        return ()
    pixels = subject.images.images
    return tuple(
        Doubt(
            tile(pixels[row["image"]]),
            PARTS[row["part"]],
            short(row["label"], 24),
            short(row["suggested"], 24),
            f"{percent(row['suggested_probability'], 0)} to {percent(row['label_probability'], 0)}",
        )
        for row in doubts.rows(subject.class_names)[:PICTURES]
    )
