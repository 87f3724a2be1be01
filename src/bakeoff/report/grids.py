"""Which images of a data set are shown in a picture, and what augmentation makes of them."""

from collections.abc import Sequence

import numpy as np
import torch

from bakeoff.data import augment
from bakeoff.data.augment.geometric import pad, windows
from bakeoff.data.imageset import ImageSet, IntArray, UInt8Array
from bakeoff.report.draw import shuffled
from bakeoff.report.text import short
from bakeoff.specs.recipe import AugmentSpec

ROWS, COLUMNS = 4, 8  # of the sample
PREVIEWED = 3  # images
SHARE = 0.1  # of the side, and of the brightness
AUGMENTED, DRAWS = 4, 7  # images, and draws of each

Grid = list[list[tuple[str, UInt8Array]]]  # rows of images, each with the words above it


def grids(images: ImageSet, train: IntArray, specs: Sequence[AugmentSpec]) -> dict[str, Grid]:
    """Return the grids of a data set's picture under their headings.

    Args:
        images: the data set.
        train: which of its images are for training; no others are shown.
        specs: the augmentations of a recipe.
    """
    drawn = shuffled(train)
    found = {
        "Training images": sample_grid(images, drawn[: ROWS * COLUMNS]),
        "Moved, brighter and darker": [preview(images.images[place]) for place in drawn[:PREVIEWED]],
    }
    if specs:
        names = ", ".join(spec.name for spec in specs)
        found[f"Augmented by the recipe: {names}"] = augmented_grid(images, drawn[:AUGMENTED], specs)
    return found


def sample_grid(images: ImageSet, drawn: IntArray) -> Grid:
    """Return images with their class names."""
    cells = [(_name(images, images.labels[place]), images.images[place]) for place in drawn]
    return [cells[start : start + COLUMNS] for start in range(0, len(cells), COLUMNS)]


def preview(image: UInt8Array) -> list[tuple[str, UInt8Array]]:
    """Return an image beside itself moved by a tenth along each axis, and a tenth brighter and darker."""
    down, right = (max(1, round(SHARE * side)) for side in image.shape[:2])
    by = f"{SHARE:.0%}"
    return [
        ("original", image),
        (f"up {by}", moved(image, -down, 0)),
        (f"down {by}", moved(image, down, 0)),
        (f"left {by}", moved(image, 0, -right)),
        (f"right {by}", moved(image, 0, right)),
        (f"brighter {by}", _lit(image, 1 + SHARE)),
        (f"darker {by}", _lit(image, 1 - SHARE)),
    ]


def moved(image: UInt8Array, down: int, right: int) -> UInt8Array:
    """Return an image (H, W, C) moved by so many pixels; its border is repeated where it comes from."""
    height, width, _ = image.shape
    rows, columns = abs(down), abs(right)
    padded = pad(torch.from_numpy(np.array(image)[None]), rows, columns, "edge")
    top, left = torch.tensor([rows - down]), torch.tensor([columns - right])
    return np.asarray(windows(padded, top, left, height, width)[0])


def _lit(image: UInt8Array, factor: float) -> UInt8Array:
    return np.asarray(np.clip(np.rint(image * factor), 0, 255), np.uint8)


def augmented_grid(images: ImageSet, chosen: IntArray, specs: Sequence[AugmentSpec]) -> Grid:
    """Return images, each beside several draws of what the augmentations make of it and of its class."""
    augmentations = augment.build(specs)
    mixes = any(augmentation.mixes for augmentation in augmentations)
    pixels = torch.from_numpy(images.images[np.tile(chosen, DRAWS)])
    targets = torch.from_numpy(images.labels[np.tile(chosen, DRAWS)])
    if mixes:
        targets = torch.nn.functional.one_hot(targets, images.num_classes).float()
    generator = torch.Generator().manual_seed(0)
    for augmentation in augmentations:
        pixels, targets = augmentation(pixels, targets, generator)
    rows: Grid = []
    for row, place in enumerate(chosen):
        original = (_name(images, images.labels[place]), images.images[place])
        draws = range(row, len(pixels), len(chosen))
        rows.append([original, *((_mixture(images, targets[k]) if mixes else "", pixels[k].numpy()) for k in draws)])
    return rows


def _mixture(images: ImageSet, shares: torch.Tensor) -> str:
    """Return the classes of a mixed image with their shares."""
    top = shares.topk(2)
    parts = zip(top.values.tolist(), top.indices.tolist(), strict=True)
    return "\n".join(f"{share:.0%} {_name(images, label)}" for share, label in parts if share >= 0.005)


def _name(images: ImageSet, label: int) -> str:
    return short(images.class_names[label], 18)
