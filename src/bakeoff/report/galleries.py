"""Which test images are worth looking at, and what the models said of them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.report.answers import TestAnswers
from bakeoff.report.draw import shuffled
from bakeoff.report.subject import Contender
from bakeoff.report.text import percent, short
from bakeoff.report.tiles import Tile, tile
from bakeoff.study.answers import Answers

MODELS = 8  # the best ones, that have galleries of their own
RIGHT, WRONG = 8, 16  # images in each of these
DISPUTED, HARD = 16, 16
NAMED = 4  # models that are named beside one answer

Picks = NDArray[np.intp]


@dataclass(frozen=True)
class Opinion:
    """A class that was predicted for an image, and by whom or how surely."""

    name: str
    detail: str
    right: bool


@dataclass(frozen=True)
class Picture:
    """A test image with its class and what was predicted."""

    tile: Tile
    actual: str
    opinions: tuple[Opinion, ...]
    note: str = ""


@dataclass(frozen=True)
class Gallery:
    """Pictures with a heading."""

    title: str
    note: str
    pictures: Sequence[Picture]


def mistakes(answers: Answers, labels: IntArray, most: int) -> Picks:
    """Return the images whose wrong classes were given the highest probability, averaged over the runs."""
    wrong = answers.predicted != labels
    weight = np.where(wrong, answers.confidence, 0).mean(0)
    some = np.flatnonzero(wrong.any(0))
    return some[np.argsort(-weight[some], kind="stable")[:most]]


def successes(answers: Answers, labels: IntArray, most: int) -> Picks:
    """Return images drawn at random from those that every run has right."""
    right = np.flatnonzero((answers.predicted == labels).all(0))
    return shuffled(right)[:most]


def disputed(said: NDArray[np.int32], confidence: NDArray[np.float32], most: int) -> Picks:
    """Return the images whose most frequent answer has the fewest models behind it, the surest models first.

    Args:
        said: one answer per model, shape (models, images).
        confidence: of the models, shape (models, images).
        most: images at most.
    """
    behind = np.stack([(said == answer).sum(0) for answer in said]).max(0)
    some = np.flatnonzero(behind < len(said))
    return some[np.lexsort((-confidence.mean(0)[some], behind[some]))[:most]]


def hopeless(answers: TestAnswers, most: int) -> Picks:
    """Return the images that no run has right, those first on which the runs are the surest."""
    wrong = np.flatnonzero((answers.everything() != answers.labels).all(0))
    confidence = np.mean([one.confidence.mean(0) for one in answers.of.values()], axis=0)[wrong]
    return wrong[np.argsort(-confidence, kind="stable")[:most]]


def majority(predicted: NDArray[np.int32]) -> NDArray[np.int32]:
    """Return the class that most runs predict for each image; where runs tie, the first run's."""
    behind = np.stack([(predicted == answer).sum(0) for answer in predicted])
    most: NDArray[np.int32] = np.take_along_axis(predicted, behind.argmax(0)[None], 0)[0]
    return most


def model_galleries(answers: Answers, test: TestAnswers, images: ImageSet) -> list[Gallery]:
    """Return what one model has wrong, and a sample of what it has right."""
    runs = len(answers.predicted)

    def picture(position: int) -> Picture:
        label = test.labels[position]
        wrong = answers.predicted[:, position] != label
        run = int(np.where(wrong, answers.confidence[:, position], -1).argmax()) if wrong.any() else 0
        note = f"wrong with {wrong.sum()} of {runs} seeds" if wrong.any() and runs > 1 else ""
        opinion = _opinion(
            images, answers.predicted[run, position], label, percent(answers.confidence[run, position], 1)
        )
        return Picture(tile(images.images[test.indices[position]]), _name(images, label), (opinion,), note)

    wrong, right = mistakes(answers, test.labels, WRONG), successes(answers, test.labels, RIGHT)
    return [
        Gallery("Wrong, and sure of it", "Highest probability of a wrong class first.", [picture(p) for p in wrong]),
        Gallery(
            "Right", "Drawn at random from the images that it has right in every run.", [picture(p) for p in right]
        ),
    ]


def study_galleries(contenders: Sequence[Contender], test: TestAnswers, images: ImageSet) -> list[Gallery]:
    """Return the images on which models disagree, and those that no model has right."""
    said = np.stack([majority(test.of[contender.place].predicted) for contender in contenders])
    sure = np.stack([test.of[contender.place].confidence.mean(0) for contender in contenders])

    def picture(position: int) -> Picture:
        label, answers = test.labels[position], said[:, position]
        classes = sorted(set(answers.tolist()), key=lambda k: (k != label, -(answers == k).sum(), k))
        opinions = [_opinion(images, k, label, _who(contenders, answers == k)) for k in classes]
        return Picture(tile(images.images[test.indices[position]]), _name(images, label), tuple(opinions))

    galleries = [
        Gallery(
            "Models disagree",
            "What most runs of each model say; the images first on which the fewest models agree.",
            [picture(position) for position in (disputed(said, sure, DISPUTED) if len(said) > 1 else [])],
        ),
        Gallery(
            "No run has these right",
            "The surest first. Sometimes the label is at fault, and not the models.",
            [picture(position) for position in hopeless(test, HARD)],
        ),
    ]
    return [gallery for gallery in galleries if gallery.pictures]


def agreement(test: TestAnswers) -> str:
    """Say how many images every run has right, and how many none has."""
    right = test.everything() == test.labels
    runs, count = right.shape
    always, never = int(right.all(0).sum()), int((~right).all(0).sum())
    return (
        f"Of {count:,} test images, all {runs} answers are right on {always:,} and wrong on {never:,}; on the other "
        f"{count - always - never:,} some are right and some wrong."
    )


def _opinion(images: ImageSet, predicted: int, label: int, detail: str) -> Opinion:
    return Opinion(_name(images, predicted), detail, bool(predicted == label))


def _name(images: ImageSet, label: int) -> str:
    return short(images.class_names[label], 40)


def _who(contenders: Sequence[Contender], chosen: NDArray[np.bool_]) -> str:
    labels = [contender.label for contender, is_one in zip(contenders, chosen, strict=True) if is_one]
    more = f" and {len(labels) - NAMED} more" if len(labels) > NAMED else ""
    return ", ".join(labels[:NAMED]) + more
