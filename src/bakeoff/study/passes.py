"""What finished runs said of every test image: a run at a time, or all folds of a seed under cross-validation."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from bakeoff.errors import StoreError
from bakeoff.evidence.cross_validation import Folding
from bakeoff.records.run import RunRecord, RunState
from bakeoff.store.folder import Predictions

Reader = Callable[[RunRecord, str], Predictions]
Folds = NDArray[np.int64]
T = TypeVar("T")


@dataclass(frozen=True)
class Pass:
    """Runs of one model whose test images together are every test image, once: one run, or one for each fold."""

    runs: tuple[RunRecord, ...]

    @property
    def seed(self) -> int:
        """Of all its runs."""
        return self.runs[0].spec.seed

    def said(self, read: Reader) -> Predictions:
        """Return what its runs said of the test images, in the order of the data set.

        Raises:
            StoreError: what a run said is lost.
        """
        parts = [read(run, "test") for run in self.runs]
        if self.runs[0].spec.fold is None:
            return parts[0]
        indices, labels, logits = (
            np.concatenate([getattr(part, field) for part in parts]) for field in ("indices", "labels", "judged")
        )
        order = np.argsort(indices, kind="stable")
        return Predictions(indices[order], labels[order], logits[order])

    def folds(self, read: Reader) -> Folds:
        """Return the fold in which each image was tested, shape (N,), in the same order."""
        indices = [read(run, "test").indices for run in self.runs]
        folds = np.repeat([run.spec.fold or 0 for run in self.runs], [len(part) for part in indices])
        return np.asarray(folds[np.argsort(np.concatenate(indices), kind="stable")], np.int64)


@dataclass(frozen=True)
class Gathered(Generic[T]):
    """What the runs of several models said.

    Attributes:
        of: for each model with a whole pass that can be read, what was kept of each.
        indices: of the test images in the data set, shape (N,).
        labels: their classes, shape (N,).
        missing: a sentence for everything finished that has no part in it.
        refusal: why nothing is here, where runs were judged on different images; else empty.
        folding: how images were dealt under cross-validation; None without folds.
    """

    of: Mapping[str, list[T]]
    indices: NDArray[np.int64]
    labels: NDArray[np.int64]
    missing: tuple[str, ...]
    refusal: str = ""
    folding: Folding | None = None


def passes(records: Iterable[RunRecord]) -> tuple[tuple[Pass, ...], tuple[str, ...]]:
    """Return the passes over all test images that are whole, and a sentence for every one that is not.

    Runs that failed, diverged or go on have no part in it, and under cross-validation neither have the other folds of
    their seed: all images are judged by every model, or none.
    """
    groups: dict[object, list[RunRecord]] = {}
    for record in records:
        if record.state is RunState.FINISHED:
            groups.setdefault(_but_fold(record), []).append(record)
    whole, partial = [], []
    for runs in groups.values():
        spec, wanted = runs[0].spec, runs[0].spec.protocol.folds or 1
        if len(runs) == wanted:
            whole.append(Pass(tuple(sorted(runs, key=lambda run: run.spec.fold or 0))))
        else:
            why = f"{len(runs)} of {wanted} folds are finished, and a seed counts when all are"
            partial.append(f"seed {spec.seed}: {why}")
    return tuple(whole), tuple(partial)


def _but_fold(record: RunRecord) -> object:
    """Return what runs have in common that differ in nothing but their fold; runs without one are apart."""
    spec = record.spec
    return spec.model_copy(update={"fold": 1}).run_id if spec.fold else id(record)


def gather(groups: Mapping[str, Iterable[RunRecord]], read: Reader, keep: Callable[[Predictions], T]) -> Gathered[T]:
    """Return what finished runs said of the test images, one pass at a time.

    Args:
        groups: the runs of each model, that differ in nothing but their seed and fold.
        read: returns what a finished run said of a part; raises `StoreError` where that is lost.
        keep: returns what is kept of a pass, since logits are large.
    """
    empty = np.zeros(0, np.int64)
    of: dict[str, list[T]] = {}
    missing: list[str] = []
    first: tuple[str, Predictions] | None = None
    dealt = _Dealt({}, {}, [])
    for name, records in groups.items():
        whole, partial = passes(records)
        missing += [f"{name}, {why}" for why in partial]
        for one in whole:
            called = f"{name}, seed {one.seed}"
            try:
                said = one.said(read)
            except StoreError as error:
                missing.append(f"{called}: {error}")
                continue
            first = first or (called, said)
            why = other_test_set(*first, called, said) or dealt.add(name, one, read)
            if why:
                return Gathered({}, empty, empty, tuple(missing), why)
            of.setdefault(name, []).append(keep(said))
    indices, labels = (first[1].indices, first[1].labels) if first else (empty, empty)
    return Gathered(of, indices, labels, tuple(missing), folding=dealt.folding())


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


@dataclass(frozen=True)
class _Dealt:
    """How the images of passes were dealt into folds; nothing without folds."""

    seeds: dict[str, tuple[int, ...]]
    folds: dict[int, Folds]
    train_sizes: list[int]

    def add(self, name: str, one: Pass, read: Reader) -> str:
        """Take a pass in; return why that cannot be, where another pass of its seed was dealt otherwise."""
        spec = one.runs[0].spec
        if spec.fold is None:
            return ""
        self.seeds[name] = (*self.seeds.get(name, ()), one.seed)
        folds = one.folds(read)
        if not np.array_equal(self.folds.setdefault(one.seed, folds), folds):
            return f"{name}, seed {one.seed}, was judged in other folds than the rest and cannot be compared with it."
        others = len(folds) - int(np.bincount(folds).max())
        self.train_sizes.append(min(others, spec.data.max_train or others))
        return ""

    def folding(self) -> Folding | None:
        return Folding(self.seeds, self.folds, min(self.train_sizes)) if self.folds else None
