"""From stored runs to a verdict: which run was right on which test image, and what that proves."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import StoreError
from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.verdict import Verdict, judge
from bakeoff.records.run import RunRecord, RunState
from bakeoff.store.folder import Predictions

Reader = Callable[[RunRecord, str], Predictions]


@dataclass(frozen=True)
class Judgement:
    """What the stored predictions of runs prove.

    Attributes:
        verdict: on the test accuracy of everything that has a run with predictions; None where there is none.
        reason: why there is none, in a sentence; empty where there is one.
        missing: a sentence for every finished run whose predictions cannot be read. It has no part in the verdict.
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
        refusal: why there are none, where runs were judged on different test sets.
        missing: a sentence for every finished run whose predictions cannot be read.
    """

    right: Mapping[str, NDArray[np.bool_]]
    refusal: str = ""
    missing: tuple[str, ...] = ()


def read_answers(groups: Mapping[str, Iterable[RunRecord]], read: Reader) -> RightAnswers:
    """Return the answers of the runs that have finished; those that failed, diverged or go on have no part in it.

    Args:
        groups: the runs of each name, that differ in nothing but their seed.
        read: returns what a finished run said of a part; raises `StoreError` where that is lost.
    """
    right: dict[str, list[NDArray[np.bool_]]] = {}
    missing: list[str] = []
    test: tuple[str, Predictions] | None = None
    for name, records in groups.items():
        for record in records:
            if record.state is not RunState.FINISHED:
                continue
            run = f"{name}, seed {record.spec.seed}"
            try:
                said = read(record, "test")
            except StoreError as error:
                missing.append(f"{run}: {error}")
                continue
            test = test or (run, said)
            if why := other_test_set(*test, run, said):
                return RightAnswers({}, why, tuple(missing))
            right.setdefault(name, []).append(said.judged.argmax(1) == said.labels)
    return RightAnswers({name: np.stack(rows) for name, rows in right.items()}, missing=tuple(missing))


def judge_runs(groups: Mapping[str, Iterable[RunRecord]], read: Reader) -> Judgement:
    """Judge what has finished; see `read_answers`."""
    return judge_answers(read_answers(groups, read))


def judge_answers(answers: RightAnswers) -> Judgement:
    """Judge what has been read already."""
    if answers.refusal:
        return Judgement(None, answers.refusal, answers.missing)
    try:
        return Judgement(judge(answers.right), missing=answers.missing)
    except EvidenceError as error:
        return Judgement(None, f"{error}.", answers.missing)


def other_test_set(one: str, theirs: Predictions, other: str, ours: Predictions) -> str:
    """Return in what the test images of two runs differ, in a sentence; nothing where they are the same."""
    sizes = len(theirs.indices), len(ours.indices)
    if sizes[0] != sizes[1]:
        what = f"{sizes[0]:,} and {sizes[1]:,} images"
    elif count := int((theirs.indices != ours.indices).sum()):
        what = f"{count:,} of {sizes[0]:,} images are not the same"
    elif count := int((theirs.labels != ours.labels).sum()):
        what = f"{count:,} of {sizes[0]:,} images have other labels"
    else:
        return ""
    return f"{one} and {other} were judged on different test sets and cannot be compared: {what}."
