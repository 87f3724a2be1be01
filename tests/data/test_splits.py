"""Splits are disjoint, exact, stratified, the same everywhere, and the test set opens once."""

import subprocess
import sys
from collections.abc import Mapping
from contextlib import suppress

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.data.splits import Split, TestLock, split
from bakeoff.errors import DataError, TestLockedError
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol


def image_set(labels: IntArray | list[int], parts: Mapping[str, IntArray] | None = None) -> ImageSet:
    array = np.asarray(labels, np.int64)
    names = tuple(str(number) for number in range(array.max() + 1))
    images = np.zeros((len(array), 1, 1, 1), np.uint8)
    return ImageSet(images, array, names, parts or {"train": np.arange(len(array))}, {}, "")


def divided(images: ImageSet, max_train: int | None = None, **protocol: object) -> Split:
    return split(images, DataSpec(name="x", max_train=max_train), Protocol.parse(protocol))


def opened(done: Split) -> IntArray:
    return done.test.open("run", "weights")


DIGITS = image_set(np.random.default_rng(0).integers(0, 10, 1797))
SIZES = st.lists(st.integers(1, 40), min_size=2, max_size=8)


@given(SIZES, st.floats(0.01, 0.6), st.floats(0, 0.6), st.integers(0, 2**32 - 1), st.randoms())
def test_disjoint_exact_and_stratified(sizes: list[int], test: float, val: float, seed: int, random: object) -> None:
    labels = np.repeat(np.arange(len(sizes)), sizes)
    random.shuffle(labels)
    images = image_set(labels)
    with suppress(DataError):  # shares that leave a class nothing have a test of their own
        check_division(images, divided(images, test_fraction=test, val_fraction=val, split_seed=seed), test, val)


def check_division(images: ImageSet, done: Split, test: float, val: float) -> None:
    labels = images.labels
    test_part = opened(done)
    together = np.concatenate([done.train, done.val, test_part])
    assert np.array_equal(np.sort(together), np.arange(len(labels)))
    assert len(test_part) == max(1, int(test * len(labels) + 0.5))
    rest = len(labels) - len(test_part)
    assert len(done.val) == (max(1, int(val * rest + 0.5)) if val else 0)
    assert set(labels[done.train]) == set(labels)
    for indices in (done.train, done.val, test_part):
        assert np.array_equal(indices, np.sort(indices))
        assert not indices.flags.writeable


@given(st.lists(st.integers(10, 60), min_size=2, max_size=8), st.floats(0.02, 0.8), st.integers(0, 99))
def test_every_class_has_its_share_within_one_image(sizes: list[int], fraction: float, seed: int) -> None:
    count = max(1, int(fraction * sum(sizes) + 0.5))
    shares = np.array(sizes) * count / sum(sizes)
    assume((np.ceil(shares) < sizes).all())
    labels = np.repeat(np.arange(len(sizes)), sizes)
    taken = opened(divided(image_set(labels), test_fraction=fraction, split_seed=seed))
    assert (np.abs(np.bincount(labels[taken], minlength=len(sizes)) - shares) < 1).all()


def test_the_same_on_every_machine_and_in_every_order_of_calls() -> None:
    first = divided(DIGITS)
    divided(DIGITS, split_seed=7, val_fraction=0.5)
    np.random.seed(3)  # global randomness has no part in it
    again = divided(DIGITS)
    assert first.digest == again.digest
    assert np.array_equal(first.train, again.train)
    assert (len(first.train), len(first.val), len(first.test)) == (1294, 144, 359)
    golden = divided(image_set(np.arange(40) % 2))
    assert opened(golden).tolist() == [2, 3, 11, 13, 18, 20, 21, 32]
    assert golden.val.tolist() == [4, 7, 10]
    assert golden.digest.startswith("027e3d5be83ee9e9")


def test_the_digest_tells_any_change() -> None:
    swapped = image_set([1 - label if label < 2 else label for label in DIGITS.labels.tolist()])
    variants = [
        divided(DIGITS),
        divided(DIGITS, split_seed=1),
        divided(DIGITS, val_fraction=0.2),
        divided(DIGITS, val_fraction=0),
        divided(DIGITS, test_fraction=0.3),
        divided(DIGITS, max_train=500),
        divided(swapped, max_train=501),
    ]
    assert len({done.digest for done in variants}) == len(variants)


def test_streams_are_independent() -> None:
    usual, other = divided(DIGITS), divided(DIGITS, val_fraction=0.3, max_train=100)
    assert np.array_equal(opened(usual), opened(other)), "the test set does not hang on the validation share"
    assert set(usual.val) <= set(other.val), "a larger share takes the same images and more"
    assert not np.array_equal(np.sort(opened(divided(DIGITS, split_seed=1))), opened(divided(DIGITS)))


def test_given_parts_are_kept() -> None:
    labels = [0, 1] * 10
    given = {"train": np.arange(12), "val": np.arange(12, 15), "test": np.arange(15, 20)}
    done = divided(image_set(labels, given), val_fraction=0.5)
    assert [part.tolist() for part in (done.train, done.val, opened(done))] == [
        given[name].tolist() for name in ("train", "val", "test")
    ]
    only_test = divided(image_set(labels, {"train": np.arange(15)[::-1], "test": np.arange(15, 20)}), val_fraction=0.2)
    assert len(only_test.val) == 3
    assert set(only_test.train) | set(only_test.val) == set(range(15))
    only_val = divided(image_set(labels, {"train": np.arange(15), "val": np.arange(15, 20)}), test_fraction=0.2)
    assert only_val.val.tolist() == [15, 16, 17, 18, 19]
    assert len(only_val.test) == 3


def test_a_smaller_training_set_is_stratified_nested_and_leaves_the_rest_alone() -> None:
    labels = np.repeat([0, 1, 2], [100, 50, 2])
    full, hundred, ten = (divided(image_set(labels), max_train=most, val_fraction=0.1) for most in (None, 100, 10))
    assert np.array_equal(full.val, ten.val)
    assert len(hundred.train) == 100
    assert len(ten.train) == 10
    assert set(ten.train) <= set(hundred.train) <= set(full.train)
    assert np.bincount(labels[ten.train]).tolist() == [6, 3, 1]
    assert divided(image_set(labels), max_train=10_000).digest == full.digest


def test_rare_classes_stay_in_training() -> None:
    labels = np.repeat([0, 1, 2], [50, 1, 2])
    done = divided(image_set(labels), test_fraction=0.5, val_fraction=0.5)
    assert set(labels[done.train]) == {0, 1, 2}
    assert len(done.test) == 27, "the larger class fills the share that the rare ones cannot give"
    for few, setting, settings in (
        ([0, 1], "test_fraction", {}),
        ([0, 0, 1, 1] * 5, "val_fraction", {"val_fraction": 0.99}),
        ([0, 1, 2] * 5, "max_train", {"max_train": 2}),
    ):
        with pytest.raises(DataError, match=f"x: {setting} leaves .* to train on, so that .* have none; change it"):
            divided(image_set(few), **settings)


def test_the_lock_opens_once_for_each_run_and_shows_nothing() -> None:
    lock = TestLock(np.array([4, 8, 15]))
    assert len(lock) == 3
    assert repr(lock) == "TestLock(3 images, opened by 0 runs)"
    with pytest.raises(TestLockedError, match="until the weights are final"):
        lock.open("one", "")
    assert lock.open("one", "abc").tolist() == [4, 8, 15]
    for digest in ("abc", "def"):
        with pytest.raises(TestLockedError, match="the run one has opened the test set already, for the weights abc"):
            lock.open("one", digest)
    assert lock.open("two", "def").tolist() == [4, 8, 15]
    assert repr(lock) == "TestLock(3 images, opened by 2 runs)"


def test_splitting_needs_no_torch() -> None:
    code = "import sys, bakeoff.data.splits, bakeoff.data.load; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@given(st.lists(st.integers(6, 25), min_size=2, max_size=6), st.integers(2, 6), st.floats(0, 0.4), st.integers(0, 99))
def test_folds_part_the_images_and_are_stratified(sizes: list[int], folds: int, val: float, seed: int) -> None:
    labels = np.random.default_rng(seed).permutation(np.repeat(np.arange(len(sizes)), sizes))
    images, spec, protocol = image_set(labels), DataSpec(name="x"), Protocol(folds=folds, val_fraction=val)
    with suppress(DataError):  # of shares that leave a class nothing
        parts = [split(images, spec, protocol, seed, fold) for fold in range(1, folds + 1)]
        tests = [opened(part) for part in parts]
        assert np.array_equal(np.sort(np.concatenate(tests)), np.arange(len(labels)))
        counts = np.array([np.bincount(labels[test], minlength=len(sizes)) for test in tests])
        assert np.ptp(counts, axis=0).max() <= 1
        assert np.ptp(counts.sum(1)) <= 1
        for part, test in zip(parts, tests, strict=True):
            together = np.concatenate([part.train, part.val, test])
            assert np.array_equal(np.sort(together), np.arange(len(labels)))
        assert len({part.digest for part in parts}) == folds


def test_every_seed_deals_anew_and_no_image_is_kept_from_training() -> None:
    spec, protocol = DataSpec(name="x"), Protocol(folds=4, val_fraction=0.2)
    first, again, other = (split(DIGITS, spec, protocol, seed, 1) for seed in (0, 0, 1))
    assert first.digest == again.digest != other.digest
    assert first.digest != split(DIGITS, spec, Protocol(folds=4, val_fraction=0.2, split_seed=1), 0, 1).digest
    trained = np.concatenate([split(DIGITS, spec, protocol, 0, fold).train for fold in range(1, 5)])
    assert len(np.unique(trained)) > 0.98 * len(DIGITS.labels)  # the same validation images throughout: 80 %
    assert split(DIGITS, spec, Protocol(), 5, 1).digest == divided(DIGITS).digest  # without folds, seeds play no part


def test_folds_that_do_not_fit_the_data_are_refused() -> None:
    few = image_set([0] * 9 + [1] * 3)
    assert len(opened(divided(few, folds=3, val_fraction=0))) == 4
    with pytest.raises(DataError, match="x: 4 folds are too many for the smallest class, '1', which has 3 images"):
        divided(few, folds=4)
    with pytest.raises(DataError, match="which has 1 image; make folds fewer"):
        divided(image_set([0] * 9 + [1]), folds=2)
    for part in ("test", "val"):
        brings = image_set([0, 1] * 6, {"train": np.arange(8), part: np.arange(8, 12)})
        with pytest.raises(DataError, match=f"brings a {part} part of its own; leave out folds"):
            divided(brings, folds=2)
