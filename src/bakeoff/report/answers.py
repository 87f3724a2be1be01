"""What the finished runs said of every test image."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.imageset import IntArray
from bakeoff.evidence.cross_validation import Folding
from bakeoff.report.subject import Contender, Subject
from bakeoff.study.answers import Answers, answer
from bakeoff.study.judgement import Judgement, RightAnswers, judge_answers
from bakeoff.study.passes import gather


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
    found = gather({contender.label: contender.records for contender in subject.ranked}, subject.predictions, answer)
    of = {places[label]: Answers.of(answers) for label, answers in found.of.items()}
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
