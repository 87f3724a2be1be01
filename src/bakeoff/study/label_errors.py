"""Images whose label deserves a second look, by what the best models of a study say of them."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from bakeoff.errors import StoreError
from bakeoff.evidence.label_errors import LabelError, label_errors
from bakeoff.records.run import RunRecord
from bakeoff.store.folder import Predictions
from bakeoff.study.passes import Pass, Reader, passes

FIELDS = (
    "image",
    "part",
    "label",
    "suggested",
    "label_probability",
    "suggested_probability",
    "runs_against",
)
UNTRAINED = ("val", "test")  # parts that no network of a study trains on, without folds


@dataclass(frozen=True)
class Doubts:
    """What the runs say of the images that none of them was trained on.

    Attributes:
        indices: of the images in the data set, shape (N,).
        parts: of each, "val" or "test", shape (N,).
        labels: as the data set gives them, shape (N,).
        probabilities: softmax of the logits, averaged over the runs, shape (N, K).
        against: share of the runs that predict another class than the label, shape (N,).
        runs: how many.
        doubted: rows of the above, the surest first.
    """

    indices: NDArray[np.int64]
    parts: NDArray[np.str_]
    labels: NDArray[np.int64]
    probabilities: NDArray[np.float64]
    against: NDArray[np.float64]
    runs: int
    doubted: tuple[LabelError, ...]

    def rows(self, class_names: Sequence[str]) -> list[dict[str, Any]]:
        """Return what is said of each doubted image, the surest first; `image` is its index in the data set."""
        return [
            {
                "image": int(self.indices[error.image]),
                "part": str(self.parts[error.image]),
                "label": class_names[error.given],
                "suggested": class_names[error.suggested],
                "label_probability": float(self.probabilities[error.image, error.given]),
                "suggested_probability": float(self.probabilities[error.image, error.suggested]),
                "runs_against": float(self.against[error.image]),
            }
            for error in self.doubted
        ]


def find_doubts(records: Iterable[RunRecord], read: Reader) -> Doubts | None:
    """Return what finished runs doubt, or None where no predictions of theirs can be read.

    The validation images had a part in the choice of weights, so the networks are a little surer of their labels than
    of those of the test images; no network was trained on either. Under cross-validation every image is one of the test
    images of a seed, in the fold whose network was not trained on it.

    Args:
        records: of the runs that are asked, best those of the best models.
        read: returns what a run said of a part; raises `StoreError` where that is lost.
    """
    said: list[dict[str, Predictions]] = []
    for one in passes(records)[0]:
        try:
            found = _untrained(one, read)
        except StoreError:
            continue
        if all(np.isfinite(one.judged).all() for one in found.values()) and (not said or _alike(said[0], found)):
            said.append(found)
    if not said or not said[0]:
        return None
    first = said[0].values()
    labels = np.concatenate([one.labels for one in first])
    logits = [np.concatenate([one.judged for one in run.values()]).astype(np.float64) for run in said]
    probabilities = np.mean([special.softmax(of_run, axis=1) for of_run in logits], axis=0)
    return Doubts(
        indices=np.concatenate([one.indices for one in first]),
        parts=np.repeat(list(said[0]), [len(one.labels) for one in first]),
        labels=labels,
        probabilities=probabilities,
        against=np.mean([of_run.argmax(1) != labels for of_run in logits], axis=0),
        runs=len(said),
        doubted=label_errors(probabilities, labels),
    )


def _untrained(one: Pass, read: Reader) -> dict[str, Predictions]:
    """Return what a pass said of images that it was not trained on; over folds that is every image, as a test image."""
    if one.runs[0].spec.fold:
        return {"test": one.said(read)}
    return {part: read(one.runs[0], part) for part in UNTRAINED if part in one.runs[0].metrics}


def _alike(one: Mapping[str, Predictions], other: Mapping[str, Predictions]) -> bool:
    """Whether two runs speak of the same images."""
    return one.keys() == other.keys() and all(np.array_equal(one[part].indices, other[part].indices) for part in one)
