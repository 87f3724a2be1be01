"""What is kept of a run's logits of the test images: an answer, how sure it is, and what each metric makes of it."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.evidence.areas import area_scores
from bakeoff.evidence.scores import EvidenceError
from bakeoff.store.folder import Predictions

MOST_LOGITS = 2_000_000  # of a run, that areas are computed of: 10,000 images of 200 classes take 0.2 s

Answer = tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32], NDArray[np.float32]]


@dataclass(frozen=True)
class Answers:
    """What the runs of one model said: arrays of shape (runs, test images); all folds of a seed are one run here.

    Attributes:
        predicted: the class with the largest logit.
        confidence: its probability, as the model has it; 0 where logits are not finite.
        loss: the cross-entropy, in nats.
        area: scores whose mean is the area under the ROC curve, `bakeoff.evidence.areas`; nan where there is none.
    """

    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32]
    loss: NDArray[np.float32]
    area: NDArray[np.float32]

    @classmethod
    def of(cls, runs: list[Answer]) -> "Answers":
        """Return the answers of several runs together."""
        return cls(*(np.stack(rows) for rows in zip(*runs, strict=True)))

    def confusion(self, labels: NDArray[np.int64], classes: int) -> NDArray[np.int64]:
        """Return counts added up over the runs, shape (K, K): rows are the images' classes, columns the predicted."""
        pairs = (labels * classes + self.predicted).reshape(-1)
        return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


def answer(said: Predictions) -> Answer:
    """Return the fields of `Answers` for one run, each of shape (test images,)."""
    logits = said.judged.astype(np.float32)
    largest = logits.max(1, keepdims=True)
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.exp(logits - largest).sum(1)
        loss = np.log(total) + largest[:, 0] - logits[np.arange(len(logits)), said.labels]
    return logits.argmax(1).astype(np.int32), np.nan_to_num(1 / total, nan=0.0), loss, _areas(said)


def _areas(said: Predictions) -> NDArray[np.float32]:
    none = np.full(len(said.labels), np.nan, np.float32)
    if said.judged.size > MOST_LOGITS or not np.isfinite(said.judged).all():
        return none
    try:
        # In double precision, as the metric: in single, many images would be as sure as can be and tied.
        return area_scores(special.softmax(said.judged.astype(np.float64), axis=1), said.labels).astype(np.float32)
    except EvidenceError:
        return none
