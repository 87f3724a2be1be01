"""Arrays as Keras and its users save them."""

import re
import struct
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from bakeoff.data.imageset import ImageSet
from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec

GRAY = np.arange(4 * 5 * 6, dtype=np.uint8).reshape(4, 5, 6)
LABELS = np.array([0, 1, 1, 0])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "data.npz"


def loaded(path: Path, where: Locations, **arrays: Any) -> ImageSet:
    np.savez(path, **arrays)
    return load(DataSpec(name=str(path)), where)


def test_the_layout_of_keras(path: Path, where: Locations) -> None:
    images = loaded(path, where, x_train=GRAY, y_train=LABELS, x_test=GRAY[:2] + 1, y_test=LABELS[:2, None].ravel())
    assert images.images.shape == (6, 5, 5, 1), "squares, from the centre"
    assert np.array_equal(images.images[:4, ..., 0], GRAY[:, :, :5])
    assert np.array_equal(images.images[4:, ..., 0], GRAY[:2, :, :5] + 1)
    assert images.labels.tolist() == [0, 1, 1, 0, 0, 1]
    assert {part: indices.tolist() for part, indices in images.parts.items()} == {"train": [0, 1, 2, 3], "test": [4, 5]}
    assert images.class_names == ("0", "1")


@pytest.mark.parametrize("suffix", ["", "_train"])
def test_no_test_part_and_a_validation_part(path: Path, where: Locations, suffix: str) -> None:
    arrays = {f"x{suffix}": GRAY, f"y{suffix}": LABELS, "x_val": GRAY[:2], "y_val": LABELS[:2]}
    assert sorted(loaded(path, where, **arrays).parts) == ["train", "val"]


RGB = np.repeat(GRAY[..., None], 3, axis=3)
ALPHA = np.concatenate([RGB, np.full((4, 5, 6, 1), 51, np.uint8)], axis=3)
SAME = {  # other ways to write GRAY or RGB
    "gray": (GRAY[..., None], GRAY[..., None]),
    "rgb": (RGB, RGB),
    "channels first": (np.moveaxis(RGB, 3, 1), RGB),
    "gray, channels first": (GRAY[:, None], GRAY[..., None]),
    "integers": (RGB.astype(np.int64), RGB),
    "whole floats": (RGB.astype(np.float32), RGB),
    "floats to 1": (RGB / 255, RGB),
    "half floats to 1": ((RGB / 255).astype(np.float16), RGB),
    "booleans": (GRAY > 60, np.where(GRAY > 60, 255, 0)[..., None]),
    "alpha": (ALPHA, np.rint(RGB * 0.2 + 255 * 0.8)),
    "fortran order": (np.asfortranarray(RGB), RGB),
}


@pytest.mark.parametrize("name", SAME)
def test_images_in_many_forms(path: Path, where: Locations, name: str) -> None:
    given, expected = SAME[name]
    assert np.array_equal(loaded(path, where, x=given, y=LABELS).images, expected[:, :, :5])


@pytest.mark.parametrize(
    ("given", "names"),
    [
        (LABELS[:, None], ("0", "1")),
        (np.eye(2)[LABELS], ("0", "1")),
        (np.eye(2, dtype=np.uint8)[LABELS], ("0", "1")),
        (LABELS.astype(np.float64), ("0", "1")),
        (LABELS > 0, ("0", "1")),
        (np.array(["ape", "cow"])[LABELS], ("ape", "cow")),
        (np.array([b"ape", b"cow"])[LABELS], ("ape", "cow")),
    ],
)
def test_labels_in_many_forms(path: Path, where: Locations, given: Any, names: tuple[str, ...]) -> None:
    images = loaded(path, where, x=GRAY, y=given)
    assert (images.labels.tolist(), images.class_names) == (LABELS.tolist(), names)


def test_given_class_names(path: Path, where: Locations) -> None:
    assert loaded(path, where, x=GRAY, y=LABELS, class_names=["no", "yes"]).class_names == ("no", "yes")
    strings = loaded(path, where, x=GRAY, y=np.array(["yes", "no"])[LABELS], class_names=["no", "yes"])
    assert strings.labels.tolist() == [1, 0, 0, 1]


WRONG: dict[str, dict[str, Any]] = {
    "x_train has 4 images but y_train has 3 labels": {"x_train": GRAY, "y_train": LABELS[:3]},
    "the array y_train is missing": {"x_train": GRAY},
    "the array x_test is missing": {"x": GRAY, "y": LABELS, "y_test": LABELS},
    "no arrays x_train and y_train, nor x and y; it has a": {"a": GRAY},
    "the label -1 is negative": {"x": GRAY, "y": LABELS - 1},
    "the label 2000000000 is beyond the number of images": {"x": GRAY, "y": LABELS * 2_000_000_000},
    "the label 1 has no name among the 1 class names": {"x": GRAY, "y": LABELS, "class_names": ["a"]},
    "the label 'c' is not among the class names": {"x": GRAY, "y": ["a", "b", "c", "a"], "class_names": ["a", "b"]},
    "whole numbers or strings; got values of the type float64": {"x": GRAY, "y": LABELS + 0.5},
    "one-hot": {"x": GRAY, "y": np.full((4, 2), 0.5)},
    "or one-hot (N, K); got (4, 1, 1)": {"x": GRAY, "y": LABELS[:, None, None]},
    "y holds Python objects": {"x": GRAY, "y": np.array([0, "a", None, 1], object)},
    "x holds Python objects": {"x": np.array([GRAY[0], GRAY[0, :2], 1, 2], object), "y": LABELS},
    "pixels from 0 to 357; scale them": {"x": GRAY.astype(np.int32) * 3, "y": LABELS},
    "floating-point values from 0 to 238": {"x": GRAY * 2.001, "y": LABELS},
    "the shape (N, H, W) or (N, H, W, C); got (4, 5)": {"x": GRAY[:, :, 0], "y": LABELS},
    "1, 3 or 4 channels, last or first; got the shape (4, 5, 6, 2)": {"x": RGB[..., :2], "y": LABELS},
    "must be numbers; got values of the type complex128": {"x": GRAY * 1j, "y": LABELS},
    "agree in all but their length; got x_train (4, 5, 6), x_test (4, 5, 5)": {
        "x_train": GRAY,
        "y_train": LABELS,
        "x_test": GRAY[..., :5],
        "y_test": LABELS,
    },
    "has only the class 0": {"x": GRAY, "y": LABELS * 0},
    "has only the class of no images": {"x": GRAY[:0], "y": np.array([], "U3")},
    "the class '1' has no training images": {"x": GRAY, "y": LABELS * 2},
    "two classes have the name 'a'": {"x": GRAY, "y": LABELS, "class_names": ["a", "a"]},
    "the test part has no images": {"x": GRAY, "y": LABELS, "x_test": GRAY[:0], "y_test": LABELS[:0]},
}


@pytest.mark.parametrize("message", WRONG)
def test_what_does_not_fit_the_layout(path: Path, where: Locations, message: str) -> None:
    with pytest.raises(DataError) as refusal:
        loaded(path, where, **WRONG[message])
    assert message in str(refusal.value)
    assert str(path) in str(refusal.value)


def test_files_that_are_damaged_or_something_else(path: Path, where: Locations) -> None:
    np.savez_compressed(path, x=GRAY, y=LABELS)
    good = path.read_bytes()
    encrypted = re.sub(rb"(?s)(PK\x01\x02.{4})\0", b"\\g<1>\x01", good)  # by what its directory says of its members
    assert encrypted != good
    for content in (b"", b"no zip at all", good[: len(good) // 2], good.replace(good[60:70], bytes(10), 1), encrypted):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"data\.npz.*(not a whole .npz file|cannot be read)"):
            load(DataSpec(name=str(path)), where)
    with path.open("wb") as file:
        np.save(file, GRAY)
    with pytest.raises(DataError, match=r"not a whole \.npz file"):
        load(DataSpec(name=str(path)), where)


HEADERS = {
    "which Python cannot split into words": "{'descr': '|u1', 'fortran_order': False, 'shape': (",
    "with a list for a key": "{[]: 1}",
    "of more pixels than can be counted": f"{{'descr': '|u1', 'fortran_order': False, 'shape': ({10**30},), }}",
    "too deep": "(" * 5000,
    "too long": " " * 20_000,
}


@pytest.mark.parametrize("header", HEADERS)
def test_headers_of_arrays_that_no_program_writes(path: Path, where: Locations, header: str) -> None:
    """In an archive whose checksums are right, so that it is NumPy that reads them."""
    content = b"\x93NUMPY\1\0" + struct.pack("<H", len(HEADERS[header])) + HEADERS[header].encode()
    for name in ("x", "y"):
        np.savez(path, **{other: array for other, array in (("x", GRAY), ("y", LABELS)) if other != name})
        with zipfile.ZipFile(path, "a") as archive:
            archive.writestr(f"{name}.npy", content)
        with pytest.raises(DataError, match=rf"data\.npz: the array {name} cannot be read") as refused:
            load(DataSpec(name=str(path)), where)
        assert "\n" not in str(refused.value)


def test_an_array_with_an_archive_behind_it(path: Path, where: Locations) -> None:
    np.savez(path, x=GRAY, y=LABELS)
    archive, alone = path.read_bytes(), BytesIO()
    np.save(alone, GRAY)
    path.write_bytes(alone.getvalue() + archive)
    with pytest.raises(DataError, match=r"data\.npz: cannot be read"):
        load(DataSpec(name=str(path)), where)


def test_a_file_that_unpacks_to_far_more_than_itself_is_refused(path: Path, where: Locations, monkeypatch) -> None:
    monkeypatch.setattr("bakeoff.data.unpacking.ALWAYS_UNPACKED", 1_000_000)
    np.savez_compressed(path, x=np.zeros((2, 1000, 1000), np.uint8), y=[0, 1])
    with pytest.raises(DataError, match="unpacks to 2,000,.* bytes or more, which no real images do"):
        load(DataSpec(name=str(path)), where)
    np.savez(path, x=np.zeros((2, 1000, 1000), np.uint8), y=[0, 1])
    assert len(load(DataSpec(name=str(path)), where).labels) == 2
