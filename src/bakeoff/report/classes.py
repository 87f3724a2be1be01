"""How well each class is told from the others, by each model."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.imageset import IntArray
from bakeoff.evaluation.per_class import class_figures
from bakeoff.report.table import Rows, Table, Value, number_columns, text_columns
from bakeoff.report.text import percent, short, whole

FloatArray = NDArray[np.float64]

MOST_ROWS = 3000  # of the tables of all models together
FEWEST_ROWS = 10  # of the table of one model
HARDEST = 20  # classes in the table across models
MOST_MODELS = 8  # in that table


def class_table(counts: IntArray, names: tuple[str, ...], runs: int, most: int) -> Table:
    """Return precision, recall, F1 and support of each class, or of those with the lowest F1 where they are many.

    Args:
        counts: a confusion matrix added up over runs.
        names: of the classes.
        runs: how many.
        most: rows to show at most.
    """
    figures = class_figures(counts, names)
    if len(figures) > most:
        figures = sorted(figures, key=lambda figure: figure.f1)[:most]
    rows: Rows = [
        (
            short(figure.name, 60),
            percent(figure.precision),
            percent(figure.recall),
            percent(figure.f1),
            whole(figure.support / runs),
        )
        for figure in figures
    ]
    fewer = f"The {most} of {len(names):,} classes with the lowest F1. " if len(figures) < len(names) else ""
    pooled = f"Precision, recall and F1 are of the answers of {runs} seeds together." if runs > 1 else ""
    columns = (*text_columns("class"), *number_columns("precision", "recall", "F1", "test images"))
    return Table("Figures by class", columns, rows, f"{fewer}{pooled}")


def rows_of_a_model(models: int, classes: int) -> int:
    """Return how many rows the table of one model may have."""
    return min(classes, max(FEWEST_ROWS, MOST_ROWS // max(1, models)))


def f1_by_class(counts: IntArray, names: tuple[str, ...]) -> FloatArray:
    """Return the F1 of each class, from a confusion matrix."""
    return np.array([figure.f1 for figure in class_figures(counts, names)])


def hardest_classes(models: Sequence[tuple[str, FloatArray]], names: tuple[str, ...]) -> Table:
    """Return the F1 of the classes that are hardest over all models, a column for each of the best models.

    Args:
        models: labels and the F1 of each class, the best model first.
        names: of the classes.
    """
    f1 = np.stack([of for _, of in models])
    hardest = np.argsort(f1.mean(0), kind="stable")[:HARDEST]
    shown = [label for label, _ in models[:MOST_MODELS]]
    rows: Rows = [
        (
            short(names[k], 60),
            *(
                Value(percent(of), mark=len(f1) > 1 and of == f1[:, k].max(), shade=1 - float(of))
                for of in f1[: len(shown), k]
            ),
            percent(float(f1[:, k].mean())),
        )
        for k in hardest
    ]
    columns = (*text_columns("class"), *number_columns(*(short(label, 24) for label in shown), "mean"))
    among = "all" if len(names) <= HARDEST else f"the {HARDEST} hardest of {len(names):,}"
    over = f"; the mean is over all {len(models)} models" if len(models) > len(shown) else ""
    best = " Bold: the best for the class." if len(models) > 1 else ""
    return Table("F1 by class and model", columns, rows, f"F1 of {among} classes, the hardest first{over}.{best}")
