"""One panel for each model: what it confuses, class by class, and images of it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bakeoff.report.answers import TestAnswers, answered
from bakeoff.report.classes import class_table, f1_by_class, hardest_classes, rows_of_a_model
from bakeoff.report.confusion import confused_pairs, confusion_figure, heat_maps
from bakeoff.report.figure import Figure
from bakeoff.report.galleries import MODELS, Gallery, model_galleries
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.table import Table


@dataclass(frozen=True)
class Panel:
    """What is shown of one model. The heat map is None where classes or models are too many."""

    contender: Contender
    heat_map: Figure | None
    pairs: Table
    classes: Table
    galleries: Sequence[Gallery]


def panels(subject: Subject, test: TestAnswers) -> Iterator[Panel]:
    """Yield the panel of every model whose predictions are there, the best first."""
    names = subject.class_names
    shown = answered(subject, test)
    rows = rows_of_a_model(len(shown), len(names))
    for order, contender in enumerate(shown):
        answers = test.of[contender.place]
        counts, runs = answers.confusion(test.labels, len(names)), len(answers.predicted)
        drawn = order < heat_maps(len(names))
        has_images = subject.images is not None and order < MODELS
        yield Panel(
            contender,
            confusion_figure(contender.place, contender.label, counts, names, runs) if drawn else None,
            confused_pairs(counts, names),
            class_table(counts, names, runs, rows),
            model_galleries(answers, test, subject.images) if has_images and subject.images else (),
        )


def hardest(subject: Subject, test: TestAnswers) -> Table | None:
    """Return the table of the hardest classes across models; None where no predictions are there."""
    names = subject.class_names
    f1 = [
        (contender.label, f1_by_class(test.of[contender.place].confusion(test.labels, len(names)), names))
        for contender in answered(subject, test)
    ]
    return hardest_classes(f1, names) if f1 else None
