"""PNG files: what a data set looks like, and the curves of a learning rate test."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.errors import DataError
from bakeoff.report.grids import COLUMNS, Grid, grids
from bakeoff.report.text import short
from bakeoff.specs.recipe import AugmentSpec

if TYPE_CHECKING:
    from matplotlib.figure import Figure, SubFigure

FloatArray = NDArray[np.float64]

CELL = 1.35  # inches
DPI = 120


def write_pictures(images: ImageSet, train: IntArray, specs: Sequence[AugmentSpec], path: Path) -> None:
    """Write one PNG: training images drawn at random, a preview of augmentation, and the recipe's augmentation, if any.

    Args:
        images: the data set.
        train: which of its images are for training; no others are shown.
        specs: the augmentations of a recipe.
        path: the file.

    Raises:
        DataError: the file cannot be written.
    """
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    found = grids(images, train, specs)
    heights = [0.35 + CELL * 1.2 * len(rows) for rows in found.values()]
    layout = ConstrainedLayoutEngine(h_pad=0.08, w_pad=0.04)
    figure = Figure(figsize=(CELL * COLUMNS, sum(heights)), dpi=DPI, layout=layout, facecolor="white")
    parts = figure.subfigures(len(found), 1, height_ratios=heights, squeeze=False)
    for part, (title, rows) in zip(parts[:, 0], found.items(), strict=True):
        _draw(part, title, rows)
    _save(figure, path)


def _draw(part: "SubFigure", title: str, rows: Grid) -> None:
    part.suptitle(title, x=0.01, ha="left", fontsize=12, fontweight="bold", parse_math=False)
    for line, cells in zip(part.subplots(len(rows), COLUMNS, squeeze=False), rows, strict=True):
        for axes in line:
            axes.set_axis_off()
        for axes, (name, image) in zip(line, cells, strict=False):
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest")
            axes.set_title(name, fontsize=8, parse_math=False)


def draw_lr_curves(curves: Mapping[str, tuple[FloatArray, FloatArray, float]], path: Path) -> None:
    """Write a PNG of loss against learning rate, a line per model, with a point at the rate that is suggested.

    Args:
        curves: the rates, the losses and the suggestion, by model.
        path: the file.

    Raises:
        DataError: the file cannot be written.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 5), dpi=DPI, layout="constrained", facecolor="white")
    axes = figure.subplots()
    for name, (rates, losses, suggestion) in curves.items():
        (line,) = axes.plot(rates, losses)
        line.set_label(f"{short(name)}: {suggestion:.2g}")
        if len(rates):
            axes.plot([suggestion], np.interp([suggestion], rates, losses), "o", color=line.get_color())
    axes.set(xscale="log", xlabel="learning rate", ylabel="training loss, running mean")
    axes.grid(alpha=0.3)
    axes.spines[["top", "right"]].set_visible(False)
    for label in axes.legend(frameon=False).get_texts():
        label.set_parse_math(False)
    _save(figure, path)


def _save(figure: "Figure", path: Path) -> None:
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph", UserWarning)  # a name in a script that the font lacks
            figure.savefig(path, format="png")
    except OSError as error:
        raise DataError(f"cannot write the picture to {path}: {error.strerror}; give another path") from None
