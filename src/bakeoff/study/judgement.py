"""From stored runs to a verdict: which run was right on which test image, and what that proves."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.evidence.cross_validation import Folding, judge_folds
from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.verdict import Verdict, judge
from bakeoff.records.run import RunRecord
from bakeoff.study.passes import Reader, gather


@dataclass(frozen=True)
class Judgement:
    """What the stored predictions of runs prove.

    Attributes:
        verdict: on the test accuracy of everything that has a run with predictions; None where there is none.
        reason: why there is none, in a sentence; empty where there is one.
        missing: a sentence for everything finished that has no part in the verdict, such as a run whose predictions
            cannot be read.
        looked: a sentence on looks at the test set by other studies before; empty where there were none.
    """

    verdict: Verdict | None
    reason: str = ""
    missing: tuple[str, ...] = ()
    looked: str = ""


@dataclass(frozen=True)
class RightAnswers:
    """Which runs were right on which test images.

    Attributes:
        right: for each name with a readable run, shape (runs, test images); column i is the same image throughout.
            Under cross-validation a row is of all folds of a seed together.
        refusal: why there are none, where runs were judged on different test sets.
        missing: a sentence for everything finished that has no part in it.
        folding: how images were dealt under cross-validation; None without folds.
    """

    right: Mapping[str, NDArray[np.bool_]]
    refusal: str = ""
    missing: tuple[str, ...] = ()
    folding: Folding | None = None


def read_answers(groups: Mapping[str, Iterable[RunRecord]], read: Reader) -> RightAnswers:
    """Return the answers of the runs that have finished; those that failed, diverged or go on have no part in it.

    Args:
        groups: the runs of each name, that differ in nothing but their seed and fold.
        read: returns what a finished run said of a part; raises `StoreError` where that is lost.
    """
    found = gather(groups, read, lambda said: said.judged.argmax(1) == said.labels)
    right = {name: np.stack(rows) for name, rows in found.of.items()}
    return RightAnswers(right, found.refusal, found.missing, found.folding)


def judge_answers(answers: RightAnswers) -> Judgement:
    """Judge what has been read already."""
    if answers.refusal:
        return Judgement(None, answers.refusal, answers.missing)
    try:
        if answers.folding:
            return Judgement(judge_folds(answers.right, answers.folding), missing=answers.missing)
        return Judgement(judge(answers.right), missing=answers.missing)
    except EvidenceError as error:
        return Judgement(None, f"{error}.", answers.missing)
