"""The only place that splits: which images are for training, for choosing, and for the one final judgement.

Every split is stratified and exact: the sizes are those asked for, and the share of each class is off by less than one
image, except where that would leave a class nothing to train on. Which images go where depends on the labels, the parts
that the data set gives, and `split_seed` alone; under cross-validation also on the seed and the fold of the run. It is
drawn from the raw stream of PCG64, which NumPy guarantees to stay the same (NEP 19), and not from the methods of
`Generator`, which it does not.
"""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.errors import DataError, TestLockedError
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol
from bakeoff.specs.run import RunSpec

# A stream for each purpose, so that changing one share leaves the other draws as they were.
TEST_STREAM, VAL_STREAM, SUBSET_STREAM, FOLD_STREAM = 0, 1, 2, 3


class TestLock:
    """Keeps the indices of the test images, and hands them to each run once, when its weights are final."""

    __test__ = False  # not a test class, whatever pytest thinks of the name

    def __init__(self, indices: IntArray) -> None:
        self._indices = indices
        self._opened: dict[str, str] = {}

    def __len__(self) -> int:
        return len(self._indices)

    def __repr__(self) -> str:
        return f"TestLock({len(self)} images, opened by {len(self._opened)} runs)"

    def open(self, run_id: str, weights_digest: str) -> IntArray:
        """Return the indices of the test images, sorted.

        Args:
            run_id: the run that asks.
            weights_digest: the hash of its final weights, which are to be judged.

        Raises:
            TestLockedError: there are no final weights, or the run has opened the lock before.
        """
        if not weights_digest:
            raise TestLockedError("the test set stays locked until the weights are final; give their digest")
        if run_id in self._opened:
            raise TestLockedError(
                f"the run {run_id} has opened the test set already, for the weights {self._opened[run_id][:12]}; it "
                "judges one model once"
            )
        self._opened[run_id] = weights_digest
        return self._indices

    def reopen(self, run_id: str, weights_digest: str) -> IntArray:
        """Return the indices to a run that has judged these very weights, in this process or before.

        Raises:
            TestLockedError: there are no final weights, or the run judged others.
        """
        if self._opened.get(run_id) == weights_digest:
            return self._indices
        return self.open(run_id, weights_digest)


@dataclass(frozen=True, eq=False)
class Split:
    """Indices into an `ImageSet`, each sorted and read-only.

    Attributes:
        train: shape (N,).
        val: shape (N,), empty where the protocol holds nothing out.
        test: locked.
        digest: SHA-256, in hex, of the three.
    """

    train: IntArray
    val: IntArray
    test: TestLock
    digest: str


def split(images: ImageSet, spec: DataSpec, protocol: Protocol, seed: int = 0, fold: int = 1) -> Split:
    """Return the parts that the data set gives, and draw those from the training images that it does not.

    Under cross-validation every image is a test image in one fold of each seed. Validation images are drawn from the
    others anew in each fold, so that no image is kept from training throughout.

    Args:
        images: the data set.
        spec: `max_train` bounds the training images that are left after the split.
        protocol: gives the shares, the number of folds and the seed of all splits.
        seed: of the run; without folds it changes nothing.
        fold: which of the folds is tested, from 1; likewise.

    Raises:
        DataError: a share leaves some class without an image to train on, or folds do not fit the data set.
    """
    train, val, test = (np.sort(images.parts.get(part, np.array([], np.int64))) for part in ("train", "val", "test"))
    folds = protocol.folds
    draw = _Draw(spec.name, images.labels, protocol.split_seed, (seed, fold) if folds else ())
    if folds:
        _check_folds(images, spec.name, folds)
        train, test = _deal(images.labels, train, folds, (protocol.split_seed, FOLD_STREAM, seed), fold)
    elif "test" not in images.parts:
        train, test = draw(train, _share(protocol.test_fraction, train), TEST_STREAM, "test_fraction")
    if "val" not in images.parts and protocol.val_fraction > 0:
        train, val = draw(train, _share(protocol.val_fraction, train), VAL_STREAM, "val_fraction")
    if spec.max_train is not None and spec.max_train < len(train):
        train, _ = draw(train, len(train) - spec.max_train, SUBSET_STREAM, "max_train")
    for indices in (train, val, test):
        indices.setflags(write=False)
    return Split(train, val, TestLock(test), _digest(train, val, test))


def split_of(images: ImageSet, run: RunSpec) -> Split:
    """Return the parts that a run sees."""
    return split(images, run.data, run.protocol, run.seed, run.fold or 1)


def members(images: ImageSet, spec: DataSpec, protocol: Protocol) -> dict[str, IntArray]:
    """Return the indices of each part, in which those of the test part are known without opening its lock.

    They are what neither training nor validation has when no bound is set on the training images. For counting and
    for looking at the data, before any model is judged.
    """
    parts = split(images, spec, protocol)
    whole = split(images, spec.model_copy(update={"max_train": None}), protocol)
    test = np.setdiff1d(np.arange(len(images.labels)), np.concatenate([whole.train, whole.val]))
    return {"train": parts.train, "val": parts.val, "test": test}


def images_tested(images: ImageSet, spec: DataSpec, protocol: Protocol) -> IntArray:
    """Return the indices of all images that a study judges its models on, under cross-validation those of all folds."""
    return np.arange(len(images.labels)) if protocol.folds else members(images, spec, protocol)["test"]


def _check_folds(images: ImageSet, name: str, folds: int) -> None:
    for part in ("test", "val"):
        if part in images.parts:
            raise DataError(
                f"{name}: folds make a test image of every image, and this data set brings a {part} part of its own;"
                " leave out folds"
            )
    counts = np.bincount(images.labels, minlength=images.num_classes)
    fewest = int(counts.argmin())
    if folds > counts[fewest]:
        raise DataError(
            f"{name}: {folds} folds are too many for the smallest class, {images.class_names[fewest]!r}, which has"
            f" {counts[fewest]} image{'s' if counts[fewest] > 1 else ''}; make folds fewer, or add images"
        )


def _deal(
    labels: IntArray, pool: IntArray, folds: int, entropy: tuple[int, ...], fold: int
) -> tuple[IntArray, IntArray]:
    """Return the images of all other folds, and those of one.

    Images are laid out class by class, in random order within each, and dealt in turn: folds differ in size by one
    image at most, and so do the shares of every class.
    """
    keys = _keys(entropy, len(labels))
    dealt = np.arange(len(pool)) % folds == fold - 1
    order = pool[np.lexsort((keys[pool], labels[pool]))]
    return np.sort(order[~dealt]), np.sort(order[dealt])


def _keys(entropy: tuple[int, ...], count: int) -> NDArray[np.uint64]:
    return np.random.PCG64(np.random.SeedSequence(entropy)).random_raw(count)


def _share(fraction: float, pool: IntArray) -> int:
    return max(1, int(fraction * len(pool) + 0.5))


@dataclass(frozen=True)
class _Draw:
    name: str
    labels: IntArray
    seed: int
    turn: tuple[int, ...]  # seed and fold of the run under cross-validation

    def __call__(self, pool: IntArray, count: int, stream: int, setting: str) -> tuple[IntArray, IntArray]:
        """Return the pool without `count` of its images, at least one of each class staying, and those images.

        Every image has a random number of its own, and those with the smallest of their class go: with a larger count
        the same ones go, and more.
        """
        labels = self.labels[pool]
        sizes = np.unique(labels, return_counts=True)[1]
        if count > (sizes - 1).sum():
            raise DataError(
                f"{self.name}: {setting} leaves {len(pool) - count} of {len(pool)} images to train on, so that some of"
                f" the {len(sizes)} classes have none; change it, or add images"
            )
        keys = _keys((self.seed, stream, *self.turn), len(self.labels))
        by_class = np.lexsort((keys[pool], labels))
        rank = np.arange(len(pool)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
        goes = rank < np.repeat(_quotas(sizes, count), sizes)
        return np.sort(pool[by_class[~goes]]), np.sort(pool[by_class[goes]])


def _quotas(sizes: IntArray, count: int) -> IntArray:
    """Return how many to take of each class: proportional, rounded by the largest remainders, all but one at most."""
    total = int(sizes.sum())
    quotas: IntArray = np.minimum(sizes * count // total, sizes - 1)
    while left := count - int(quotas.sum()):
        roomy = np.flatnonzero(quotas < sizes - 1)
        owed = sizes[roomy] * count - quotas[roomy] * total
        quotas[roomy[np.argsort(-owed, kind="stable")[:left]]] += 1
    return quotas


def _digest(*parts: IntArray) -> str:
    total = hashlib.sha256()
    for indices in parts:
        total.update(len(indices).to_bytes(8, "little"))
        total.update(indices.astype("<i8").tobytes())
    return total.hexdigest()
