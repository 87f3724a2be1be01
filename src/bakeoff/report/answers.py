"""What the finished runs said of every test image."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.imageset import IntArray
from bakeoff.evidence.cross_validation import Folding
from bakeoff.report.subject import Contender, Subject
from bakeoff.store.folder import Predictions
from bakeoff.study.judgement import Judgement, RightAnswers, judge_answers
from bakeoff.study.passes import gather


@dataclass(frozen=True)
class Answers:
    """What the runs of one contender said: arrays of shape (runs, test images); all folds of a seed are one run here.

    Attributes:
        predicted: the class with the largest logit.
        confidence: its probability, as the model has it.
        loss: the cross-entropy, in nats.
    """

    predicted: NDArray[np.int32]
    confidence: NDArray[np.float32]
    loss: NDArray[np.float32]

    def confusion(self, labels: IntArray, classes: int) -> IntArray:
        """Return counts added up over the runs, shape (K, K): rows are the images' classes, columns the predicted."""
        pairs = (labels * classes + self.predicted).reshape(-1)
        return np.bincount(pairs, minlength=classes * classes).reshape(classes, classes)


@dataclass(frozen=True)
class TestAnswers:
    """The answers of every contender that has some.

    Attributes:
        indices: of the test images in the data set, shape (N,).
        labels: their classes, shape (N,).
        of: the answers, by the contender's place.
        missing: a sentence for everything finished that has no part in it.
        refusal: why no answers are here, where the runs were judged on different test sets.
        folding: how images were dealt under cross-validation; None without folds.
    """

    __test__ = False  # not a test class, whatever pytest thinks of the name

    indices: IntArray
    labels: IntArray
    of: Mapping[int, Answers]
    missing: tuple[str, ...]
    refusal: str = ""
    folding: Folding | None = None

    def everything(self) -> NDArray[np.int32]:
        """Return the predicted classes of all runs, shape (runs, test images)."""
        return np.concatenate([answers.predicted for answers in self.of.values()])


def collect(subject: Subject) -> TestAnswers:
    """Read the predictions of every finished run, one run at a time, and keep of each image the answer alone."""
    places = {contender.label: contender.place for contender in subject.ranked}
    found = gather({contender.label: contender.records for contender in subject.ranked}, subject.predictions, _answer)
    of = {
        places[label]: Answers(*(np.stack(rows) for rows in zip(*answers, strict=True)))
        for label, answers in found.of.items()
    }
    return TestAnswers(found.indices, found.labels, of, found.missing, found.refusal, found.folding)


def judged(subject: Subject, test: TestAnswers) -> Judgement:
    """Return what the answers prove, of every contender under its label."""
    right = {
        contender.label: test.of[contender.place].predicted == test.labels for contender in answered(subject, test)
    }
    return judge_answers(RightAnswers(right, test.refusal, test.missing, test.folding))


def answered(subject: Subject, test: TestAnswers) -> list[Contender]:
    """Return the contenders whose answers are there, the best first."""
    return [contender for contender in subject.ranked if contender.place in test.of]


def _answer(predictions: Predictions) -> tuple[NDArray[np.int32], NDArray[np.float32], NDArray[np.float32]]:
    """Return the predicted classes, their softmax probabilities, 0 where logits are not finite, and the losses."""
    logits = predictions.judged.astype(np.float32)
    largest = logits.max(1, keepdims=True)
    with np.errstate(invalid="ignore", over="ignore"):
        total = np.exp(logits - largest).sum(1)
        loss = np.log(total) + largest[:, 0] - logits[np.arange(len(logits)), predictions.labels]
    return logits.argmax(1).astype(np.int32), np.nan_to_num(1 / total, nan=0.0), loss
