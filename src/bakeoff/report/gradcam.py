"""Where the best models looked, over the images themselves."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from bakeoff.data.imageset import ImageSet, UInt8Array
from bakeoff.errors import StoreError
from bakeoff.records.run import RunRecord
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.text import short
from bakeoff.report.tiles import Tile, tile
from bakeoff.store.folder import Maps

MODELS = 4  # the best ones
# From cold to hot, evenly spaced: dark, violet, red, orange, pale yellow. Its lightness rises all the way, so that it
# reads without colours too.
RAMP = np.array([(0, 0, 4), (87, 16, 110), (188, 55, 84), (249, 142, 9), (252, 255, 164)], np.float64)
OPACITY = 0.6


@dataclass(frozen=True)
class Looked:
    """An image, and the same under what a model saw in it."""

    image: Tile
    heat: Tile
    actual: str
    predicted: str
    right: bool


@dataclass(frozen=True)
class Looks:
    """Where a run of a model looked, or the reason why that is not shown."""

    contender: Contender
    run: str
    pictures: Sequence[Looked]
    reason: str = ""


def looks(subject: Subject) -> list[Looks]:
    """Return where the best models looked, a run of each; nothing where the images are not at hand."""
    images = subject.images
    return [_look(subject, contender, images) for contender in subject.ranked[:MODELS]] if images else []


def _look(subject: Subject, contender: Contender, images: ImageSet) -> Looks:
    record: RunRecord = contender.finished[0]
    run = contender.run_label(record)
    try:
        maps = subject.maps(record)
    except StoreError as error:
        return Looks(contender, run, (), f"{error}."[:1].upper() + f"{error}."[1:])
    if maps.reason:
        return Looks(contender, run, (), f"{maps.reason}.")
    return Looks(contender, run, [_picture(maps, place, images) for place in range(len(maps.indices))])


def _picture(maps: Maps, place: int, images: ImageSet) -> Looked:
    image = images.images[maps.indices[place]]
    label, predicted = maps.labels[place], maps.predicted[place]
    actual, said = (short(images.class_names[one], 40) for one in (label, predicted))
    return Looked(tile(image), tile(overlaid(image, maps.maps[place])), actual, said, bool(label == predicted))


def overlaid(image: UInt8Array, heat: NDArray[np.float32]) -> UInt8Array:
    """Return an image (H, W, C) in gray under the colours of heat (h, w), which goes from 0 to 1."""
    height, width = image.shape[:2]
    smooth = Image.fromarray(heat.astype(np.float32)).resize((width, height), Image.Resampling.BILINEAR)
    level = np.clip(np.asarray(smooth, np.float64), 0, 1)
    steps = np.linspace(0, 1, len(RAMP))
    colours = np.stack([np.interp(level, steps, RAMP[:, channel]) for channel in range(3)], axis=-1)
    gray = image.mean(axis=2, keepdims=True)
    mixed: UInt8Array = np.round((1 - OPACITY) * gray + OPACITY * colours).astype(np.uint8)
    return mixed
