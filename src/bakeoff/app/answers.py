"""What the finished runs of a study say of an image file."""

import math
import threading
import time
from dataclasses import dataclass

import numpy as np

from bakeoff.app.classifiers import Classifiers
from bakeoff.app.studies import Reading
from bakeoff.data.decode import Blob, decode
from bakeoff.data.fit import Fit
from bakeoff.data.imageset import UInt8Array
from bakeoff.data.sources import BadImage
from bakeoff.errors import BakeoffError, DataError

# Files of others that are decoded at once: each may take some hundred megabytes.
_turns = threading.BoundedSemaphore(2)


def prepared(reading: Reading, data: bytes) -> UInt8Array:
    """Return an image file as the study's images are, shape (H, W, C); raise `DataError` where it is not one."""
    _, height, width, channels = reading.subject.about["data"]["shape"]
    with _turns:
        image = decode(Blob("the file", data), gray=channels == 1, finish=Fit(height, width, reading.subject.data.fit))
    if isinstance(image, BadImage):
        raise DataError(f"The file {image.reason}.")
    return image


@dataclass(frozen=True)
class Guess:
    """A class and its probability."""

    name: str
    probability: float


@dataclass(frozen=True)
class Answer:
    """What a run says of an image: the likeliest classes, or why it says nothing."""

    run: str
    place: int
    guesses: tuple[Guess, ...] = ()
    reason: str = ""


def answers(classifiers: Classifiers, reading: Reading, image: UInt8Array, seconds: float, most: int) -> list[Answer]:
    """Return what every finished run of a study says of an image within some seconds, the best models first."""
    deadline = time.monotonic() + seconds
    names = reading.subject.class_names
    found = []
    for contender in reading.subject.ranked:
        for record in contender.finished:
            run = contender.run_label(record)
            try:
                shares = classifiers.ask(reading, record, image, deadline)
            except BakeoffError as error:
                found.append(Answer(run, contender.place, reason=str(error)))
                continue
            likeliest = np.argsort(-shares, kind="stable")[:most]
            guesses = tuple(Guess(names[k], float(shares[k])) for k in likeliest if math.isfinite(shares[k]))
            found.append(Answer(run, contender.place, guesses, "" if guesses else "its answer is not a number"))
    return found
