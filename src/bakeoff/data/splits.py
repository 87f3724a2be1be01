"""The only place that splits: which images are for training, for choosing, and for the one final judgement.

Every split is stratified and exact: the sizes are those asked for, and the share of each class is off by less than one
image, except where that would leave a class nothing to train on. Which images go where depends on the labels, the parts
that the data set gives, and `split_seed` alone. It is drawn from the raw stream of PCG64, which NumPy guarantees to
stay the same (NEP 19), and not from the methods of `Generator`, which it does not.
"""

import hashlib
from dataclasses import dataclass

import numpy as np

from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.errors import DataError, TestLockedError
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol

# A stream for each purpose, so that changing one share leaves the other draws as they were.
TEST_STREAM, VAL_STREAM, SUBSET_STREAM = 0, 1, 2


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
        test_digest: the same of the test images alone, whatever is trained on.
    """

    train: IntArray
    val: IntArray
    test: TestLock
    digest: str
    test_digest: str


def split(images: ImageSet, spec: DataSpec, protocol: Protocol) -> Split:
    """Return the parts that the data set gives, and draw those from the training images that it does not.

    Args:
        images: the data set.
        spec: `max_train` bounds the training images that are left after the split.
        protocol: gives the shares and the seed.

    Raises:
        DataError: a share leaves some class without an image to train on.
    """
    train, val, test = (np.sort(images.parts.get(part, np.array([], np.int64))) for part in ("train", "val", "test"))
    draw = _Draw(spec.name, images.labels, protocol.split_seed)
    if "test" not in images.parts:
        train, test = draw(train, _share(protocol.test_fraction, train), TEST_STREAM, "test_fraction")
    if "val" not in images.parts and protocol.val_fraction > 0:
        train, val = draw(train, _share(protocol.val_fraction, train), VAL_STREAM, "val_fraction")
    if spec.max_train is not None and spec.max_train < len(train):
        train, _ = draw(train, len(train) - spec.max_train, SUBSET_STREAM, "max_train")
    for indices in (train, val, test):
        indices.setflags(write=False)
    return Split(train, val, TestLock(test), _digest(train, val, test), _digest(test))


def members(images: ImageSet, spec: DataSpec, protocol: Protocol) -> dict[str, IntArray]:
    """Return the indices of each part, in which those of the test part are known without opening its lock.

    They are what neither training nor validation has when no bound is set on the training images. For counting and
    for looking at the data, before any model is judged.
    """
    parts = split(images, spec, protocol)
    whole = split(images, spec.model_copy(update={"max_train": None}), protocol)
    test = np.setdiff1d(np.arange(len(images.labels)), np.concatenate([whole.train, whole.val]))
    return {"train": parts.train, "val": parts.val, "test": test}


def _share(fraction: float, pool: IntArray) -> int:
    return max(1, int(fraction * len(pool) + 0.5))


@dataclass(frozen=True)
class _Draw:
    name: str
    labels: IntArray
    seed: int

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
        keys = np.random.PCG64(np.random.SeedSequence([self.seed, stream])).random_raw(len(self.labels))
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
