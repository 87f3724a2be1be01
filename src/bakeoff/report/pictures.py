"""Pictures in files: what a data set looks like, and the curves of a learning rate test."""

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.errors import DataError, SpecError
from bakeoff.report.grids import COLUMNS, Grid, grids
from bakeoff.report.text import short
from bakeoff.specs.recipe import AugmentSpec

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

FloatArray = NDArray[np.float64]

CELL = 1.35  # inches, as all that follow
ROW = 1.2 * CELL  # an image with the two lines above it
GAP = 0.06
HEADING = 0.35
FORMATS = ("png", "jpg", "jpeg", "pdf", "svg")
DPI = 120


def check_picture(path: Path) -> None:
    """Raise `SpecError` where the name of a file does not say which kind of picture it is to hold."""
    if path.suffix.lower().removeprefix(".") not in FORMATS:
        raise SpecError(f"{path} does not say which kind of picture to write: end it in .{', .'.join(FORMATS)}")


def write_pictures(images: ImageSet, train: IntArray, specs: Sequence[AugmentSpec], path: Path) -> None:
    """Write a picture: training images drawn at random, a preview of augmentation, and the recipe's, if any.

    Args:
        images: the data set.
        train: which of its images are for training; no others are shown.
        specs: the augmentations of a recipe.
        path: the file, whose suffix is that of a PNG, JPEG, PDF or SVG.

    Raises:
        DataError: the file cannot be written.
        SpecError: the suffix is another.
    """
    from matplotlib.figure import Figure

    found = grids(images, train, specs)
    height = sum(HEADING + ROW * len(rows) for rows in found.values())
    figure = Figure(figsize=(CELL * COLUMNS, height), dpi=DPI, facecolor="white")
    # One pair of axes, in inches from the top left: laying out a pair for each image takes several times as long.
    axes = figure.add_axes((0, 0, 1, 1))
    axes.set_axis_off()
    top = 0.0
    for title, rows in found.items():
        axes.text(GAP, top + HEADING / 2, title, va="center", fontsize=12, fontweight="bold", parse_math=False)
        top = _draw(axes, top + HEADING, rows)
    axes.set(xlim=(0, CELL * COLUMNS), ylim=(height, 0))
    _save(figure, path)


def _draw(axes: "Axes", top: float, rows: Grid) -> float:
    """Draw rows of images from a height on; return where they end."""
    for line, cells in enumerate(rows):
        for column, (name, image) in enumerate(cells):
            scale = (CELL - 2 * GAP) / max(image.shape[:2])
            middle, bottom = (column + 0.5) * CELL, top + (line + 1) * ROW - GAP
            half, high = scale * image.shape[1] / 2, scale * image.shape[0]
            box = (middle - half, middle + half, bottom, bottom - high)
            axes.imshow(image, cmap="gray", vmin=0, vmax=255, interpolation="nearest", extent=box, aspect="auto")
            axes.text(middle, bottom - high - GAP / 2, name, ha="center", va="bottom", fontsize=8, parse_math=False)
    return top + len(rows) * ROW


def draw_lr_curves(curves: Mapping[str, tuple[FloatArray, FloatArray, float]], path: Path) -> None:
    """Write a picture of loss against learning rate, a line per model, with a point at the rate that is suggested.

    Args:
        curves: the rates, the losses and the suggestion, by model.
        path: the file, whose suffix is that of a PNG, JPEG, PDF or SVG.

    Raises:
        DataError: the file cannot be written.
        SpecError: the suffix is another.
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
    check_picture(path)
    try:
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", "Glyph", UserWarning)  # a name in a script that the font lacks
            figure.savefig(path, format=path.suffix.lower()[1:])
    except OSError as error:
        raise DataError(f"cannot write the picture to {path}: {error.strerror}; give another path") from None
