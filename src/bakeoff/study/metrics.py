"""Figures other than accuracy, judged as it is: with intervals over seeds and images, tests and tied groups."""

import math
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from bakeoff.evidence.calibration import binned
from bakeoff.evidence.jackknife import contributions
from bakeoff.evidence.scores import EvidenceError
from bakeoff.evidence.verdict import Verdict, judge
from bakeoff.study.answers import Answers, answer
from bakeoff.study.passes import Reader, gather
from bakeoff.study.variants import Variant

METRICS = ("loss", "macro_f1", "roc_auc", "ece")  # in the order that they are shown in
HIGHEST = {"loss": math.inf}  # of a metric; of the others 1, and the lowest of all is 0


def read_metrics(variants: Iterable[Variant], read: Reader, classes: int) -> dict[str, Verdict]:
    """Return the verdicts on finished runs by what they said; see `judge_metrics`.

    Nothing is judged where runs were judged on different images, and under cross-validation, whose test is of
    accuracies.

    Args:
        variants: what is compared, by name.
        read: returns what a finished run said of a part; raises `StoreError` where that is lost.
        classes: how many there are.
    """
    found = gather({variant.name: variant.records for variant in variants}, read, answer)
    if found.folding:
        return {}
    return judge_metrics({name: Answers.of(runs) for name, runs in found.of.items()}, found.labels, classes)


def judge_metrics(of: Mapping[str, Answers], labels: NDArray[np.int64], classes: int) -> dict[str, Verdict]:
    """Return a verdict for each of `METRICS` that is defined for all models.

    The loss is a score per image, and so is what an image adds to the area under the ROC curve
    (`bakeoff.evidence.areas`). Macro F1 and the calibration error are made into such scores by the jackknife
    (`bakeoff.evidence.jackknife`). Intervals end where the metric does.

    Args:
        of: the answers of each model.
        labels: of the test images, shape (N,).
        classes: how many there are.
    """
    return {name: _possible(name, verdict) for name, verdict in _verdicts(of, labels, classes)} if of else {}


def _possible(name: str, verdict: Verdict) -> Verdict:
    """Cut intervals off where the metric ends, which leaves out nothing that could be true."""
    top = HIGHEST.get(name, 1.0)
    cut = (replace(one, low=max(one.low, 0.0), high=min(one.high, top)) for one in verdict.estimates)
    return replace(verdict, estimates=tuple(cut))


def _verdicts(of: Mapping[str, Answers], labels: NDArray[np.int64], classes: int) -> Iterator[tuple[str, Verdict]]:
    with suppress(EvidenceError):  # a loss that is not finite
        yield "loss", judge({name: said.loss for name, said in of.items()}, better="lower")
    with suppress(EvidenceError):  # too few images for the jackknife's groups
        yield "macro_f1", judge({name: _of_f1(said, labels, classes) for name, said in of.items()})
    with suppress(EvidenceError):  # a class with hardly an image, or very many logits
        yield "roc_auc", judge({name: said.area for name, said in of.items()})
    with suppress(EvidenceError):  # as for macro F1
        yield "ece", judge({name: _of_ece(said, labels) for name, said in of.items()}, better="lower")


def _of_f1(said: Answers, labels: NDArray[np.int64], classes: int) -> NDArray[np.float64]:
    def figure(predicted: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
        return macro_f1(predicted.astype(np.int64), labels, classes)

    return contributions(figure, list(said.predicted.astype(np.float32)), labels)


def _of_ece(said: Answers, labels: NDArray[np.int64]) -> NDArray[np.float64]:
    def figure(claims: NDArray[np.float32], _: NDArray[np.int64]) -> float:
        return binned(claims[:, 0], claims[:, 1] > 0).ece

    sure = np.where(said.confidence > 0, said.confidence, np.nan)
    return contributions(figure, list(np.stack([sure, said.predicted == labels], axis=-1)), labels)


def macro_f1(predicted: NDArray[np.int64], labels: NDArray[np.int64], classes: int) -> float:
    """Return the mean over the classes of the harmonic mean of precision and recall; 0 where nothing was right."""
    right = np.bincount(labels[predicted == labels], minlength=classes)
    either = np.bincount(labels, minlength=classes) + np.bincount(predicted, minlength=classes)
    return float(np.mean(2 * right / np.maximum(either, 1)))
