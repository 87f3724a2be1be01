"""What the data set is: its parts, its classes, and a few images of each."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.data.splits import members, split
from bakeoff.errors import StoreError
from bakeoff.report.draw import shuffled
from bakeoff.report.figure import Figure, inert
from bakeoff.report.subject import Subject
from bakeoff.report.table import Rows, Table, number_columns, text_columns
from bakeoff.report.text import NONE, plural, short, whole
from bakeoff.report.tiles import Tile, tile
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol

PARTS = {"train": "training", "val": "validation", "test": "test"}
MOST_BARS = 100  # classes up to which their counts are drawn
MOST_ROWS = 200  # classes in the table
MOST_STRIPS = 20  # classes of which images are shown
SAMPLES = 8  # images of each
MOST_SKIPPED = 50
LISTED = ("skipped", "unread", "ignored", "nested", "long")  # of the provenance, in tables of their own


@dataclass(frozen=True)
class Sample:
    """A class, its number of training images, and a few of them."""

    name: str
    count: int
    tiles: tuple[Tile, ...]


def labels_by_part(images: ImageSet, data: DataSpec, protocol: Protocol) -> dict[str, IntArray]:
    """Return the labels of each part's images."""
    return {part: images.labels[of] for part, of in members(images, data, protocol).items()}


def class_counts(labels: Mapping[str, IntArray], classes: int) -> dict[str, IntArray]:
    """Return how many images each class has in each part that has images."""
    return {part: np.bincount(of, minlength=classes) for part, of in labels.items() if len(of)}


def study_counts(subject: Subject) -> dict[str, IntArray]:
    """Return `class_counts` from the images, else from the predictions of a finished run, else nothing."""
    classes = len(subject.class_names)
    if subject.images is not None:
        return class_counts(labels_by_part(subject.images, subject.data, subject.protocol), classes)
    for contender in subject.ranked:
        labels = {}
        for part in PARTS:
            try:
                labels[part] = subject.predictions(contender.finished[0], part).labels
            except StoreError:
                continue
        if labels:
            return class_counts(labels, classes)
    return {}


def count_table(counts: Mapping[str, IntArray], names: tuple[str, ...]) -> Table:
    """Return the images of each class in each part; where classes are many, those with the fewest."""
    total = np.sum(list(counts.values()), axis=0)
    order = list(range(len(names)))
    if len(names) > MOST_ROWS:
        order = np.argsort(total, kind="stable")[:MOST_ROWS].tolist()
    rows: Rows = [(short(names[k], 200), *(whole(counts[part][k]) for part in counts), whole(total[k])) for k in order]
    columns = (*text_columns("class"), *number_columns(*(PARTS[part] for part in counts), "total"))
    fewer = f"The {MOST_ROWS} of {len(names):,} classes with the fewest images." if len(order) < len(names) else ""
    return Table("Images by class and part", columns, rows, fewer)


def count_figure(counts: Mapping[str, IntArray], names: tuple[str, ...]) -> Figure | None:
    """Return a stack of bars for each class; None where classes are too many to draw."""
    if not counts or len(names) > MOST_BARS:
        return None
    total = np.sum(list(counts.values()), axis=0)
    place = {"tickvals": list(range(len(names))), "ticktext": [inert(name, 16) for name in names]}
    traces = [
        {
            "type": "bar",
            "name": PARTS[part],
            "x": list(range(len(names))),
            "y": of.tolist(),
            "marker": {"color": f"var(--part-{part})"},
            "hovertemplate": "%{x}<br>" + PARTS[part] + ": %{y:,} images<extra></extra>",
        }
        for part, of in counts.items()
    ]
    return Figure(
        id="class-counts",
        wide=True,
        title="Images by class",
        description=f"Images of each class: from {total.min():,} to {total.max():,}.",
        traces=traces,
        layout={
            "barmode": "stack",
            "showlegend": True,
            "legend": {"orientation": "h", "x": 0, "y": 1, "yanchor": "bottom", "traceorder": "normal"},
            "xaxis": {**place, "showgrid": False},
            "yaxis": {"rangemode": "tozero"},
        },
        table=count_table(counts, names),
    )


def samples(images: ImageSet, data: DataSpec, protocol: Protocol) -> list[Sample]:
    """Return training images of the first classes, drawn at random but the same ones every time."""
    train = shuffled(split(images, data, protocol).train)
    labels = images.labels[train]
    found = []
    for index, name in enumerate(images.class_names[:MOST_STRIPS]):
        of_class = train[labels == index]
        tiles = tuple(tile(images.images[place]) for place in of_class[:SAMPLES])
        found.append(Sample(short(name, 40), len(of_class), tiles))
    return found


def data_facts(name: str, data: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return what is known of a data set besides its images.

    Args:
        name: as it was asked for.
        data: shape, class_names, sizes of the parts, provenance and fingerprint, as study.json holds them.
    """
    count, height, width, channels = data["shape"]
    parts = ", ".join(f"{size:,} {PARTS[part]}" for part, size in data["parts"].items() if size)
    if data.get("folds"):
        parts += f", in the first of {data['folds']} folds"
    provenance = {key: value for key, value in data["provenance"].items() if key not in LISTED}
    return [
        ("name", name),
        ("images", f"{count:,} of {width} × {height} pixels, {'grey' if channels == 1 else 'colour'}"),
        ("classes", f"{len(data['class_names']):,}"),
        ("parts", parts),
        *((key.replace("_", " "), _said(value)) for key, value in provenance.items()),
        ("fingerprint", data["fingerprint"]),
    ]


def _said(value: Any) -> str:
    if isinstance(value, list) and all(isinstance(item, str) for item in value):
        return ", ".join(value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def skipped_table(provenance: Mapping[str, Any]) -> Table | None:
    """Return the files that could not be read and were left out; None where all could."""
    skipped = provenance.get("skipped") or []
    if not skipped:
        return None
    rows: Rows = [(image["name"], image.get("reason", NONE)) for image in skipped[:MOST_SKIPPED]]
    fewer = f", of which {MOST_SKIPPED} are listed" if len(skipped) > MOST_SKIPPED else ""
    return Table("Files left out", text_columns("file", "reason"), rows, f"{plural(len(skipped), 'file')}{fewer}.")
