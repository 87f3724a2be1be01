"""The test images that a run has wrong, those first on which it is the surest."""

from collections.abc import Sequence
from dataclasses import dataclass
from urllib.parse import urlencode

import numpy as np
from numpy.typing import NDArray
from starlette.requests import Request
from starlette.responses import Response

from bakeoff.app.site import Site
from bakeoff.app.studies import Reading
from bakeoff.data.imageset import IntArray
from bakeoff.errors import StoreError
from bakeoff.records.run import RunRecord
from bakeoff.report.galleries import Gallery, Opinion, Picture
from bakeoff.report.subject import Contender, Subject
from bakeoff.report.text import percent, plural, short
from bakeoff.report.tiles import tile
from bakeoff.store.folder import Predictions

AT_ONCE = 60  # images on a page


@dataclass(frozen=True)
class Mistakes:
    """Wrong answers, the surest first: arrays of shape (M,).

    Attributes:
        indices: of the images in the data set.
        actual: their classes.
        predicted: the classes that the run gave them.
        confidence: the probability of the predicted class.
        likelihood: that of the actual one.
    """

    indices: IntArray
    actual: IntArray
    predicted: IntArray
    confidence: NDArray[np.float32]
    likelihood: NDArray[np.float32]

    @classmethod
    def among(cls, said: Predictions, actual: int | None, predicted: int | None) -> "Mistakes":
        """Return those of a class, and for a class; None is any."""
        logits = said.judged
        answers = logits.argmax(1)
        with np.errstate(invalid="ignore", over="ignore"):
            shares = np.exp(logits - logits.max(1, keepdims=True))
            shares = np.nan_to_num(shares / shares.sum(1, keepdims=True))
        rows = np.arange(len(answers))
        confidence, likelihood = shares[rows, answers], shares[rows, said.labels]
        wrong = answers != said.labels
        if actual is not None:
            wrong &= said.labels == actual
        if predicted is not None:
            wrong &= answers == predicted
        found = np.flatnonzero(wrong)
        found = found[np.argsort(-confidence[found], kind="stable")]
        return cls(said.indices[found], said.labels[found], answers[found], confidence[found], likelihood[found])

    def __len__(self) -> int:
        return len(self.indices)


def wrong(site: Site, request: Request) -> Response:
    """Return the page; the query has `actual` and `predicted` classes, and the number of the `page`."""
    reading = site.studies.reading(request.path_params["study"])
    record = reading.finished(request.path_params["run"])
    subject = site.studies.with_images(reading)
    names = subject.class_names
    actual, predicted = (_class(request, field, len(names)) for field in ("actual", "predicted"))
    said = subject.predictions(record, "test")
    found = Mistakes.among(said, actual, predicted)
    pages = max(1, -(-len(found) // AT_ONCE))
    number = min(max(1, _number(request, "page") or 1), pages)
    shown = range((number - 1) * AT_ONCE, min(number * AT_ONCE, len(found)))
    chosen = {field: k for field, k in (("actual", actual), ("predicted", predicted)) if k is not None}
    return site.show(
        "wrong.html.j2",
        reading=reading,
        record=record,
        contender=_contender(reading, record),
        names=[short(name, 60) for name in names],
        actual=actual,
        predicted=predicted,
        gallery=_gallery(found, shown, subject, len(said.labels)),
        why_no_images=subject.why_no_images,
        number=number,
        pages=pages,
        links={n: "?" + urlencode({**chosen, "page": n}) for n in (number - 1, number + 1) if 1 <= n <= pages},
    )


def _gallery(found: Mistakes, shown: Sequence[int], subject: Subject, total: int) -> Gallery:
    names = subject.class_names
    pictures = []
    for row in shown if subject.images else ():
        assert subject.images is not None
        predicted, likelihood = short(names[found.predicted[row]], 40), percent(float(found.likelihood[row]), 1)
        opinion = Opinion(predicted, percent(float(found.confidence[row]), 1), right=False)
        image = tile(subject.images.images[found.indices[row]])
        note = f"{likelihood} for the actual class"
        pictures.append(Picture(image, short(names[found.actual[row]], 40), (opinion,), note))
    note = "The surest first. Under each image: its class, the predicted one, and their probabilities."
    return Gallery(f"{plural(len(found), 'wrong answer')} of {total:,} test images", note, pictures)


def _contender(reading: Reading, record: RunRecord) -> Contender:
    return next(one for one in reading.subject.contenders if record in one.records)


def _class(request: Request, field: str, classes: int) -> int | None:
    number = _number(request, field)
    if number is not None and number >= classes:
        raise StoreError(f"there are {classes} classes, and no number {number}; they count from 0")
    return number


def _number(request: Request, field: str) -> int | None:
    given = request.query_params.get(field, "")
    if not given:
        return None
    if not (given.isascii() and given.isdecimal() and len(given) <= 9):
        raise StoreError(f"{field} must be a number; got {given[:40]!r}")
    return int(given)
