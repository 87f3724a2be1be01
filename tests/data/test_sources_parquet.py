"""Parquet files in the hub's layout: which belong to which part, what their columns mean, and what is wrong."""

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from image_files import plain

from bakeoff.data.load import load
from bakeoff.data.locations import Locations
from bakeoff.data.parquet import parquet_listing
from bakeoff.data.shards import choose_shards
from bakeoff.data.sources import Listing
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec

Table = Callable[..., Path]


def listed(*files: Path, label: str | None = None, **parts: Path) -> Listing:
    given = {"train": list(files), **{part: [path] for part, path in parts.items()}}
    return parquet_listing(given, DataSpec(name="x"), {}, label)


CHOICES = {
    ("train-00000-of-00001.parquet", "test-00000-of-00001.parquet"): {"train": 1, "test": 1},
    ("plain_text/train-00001-of-00002.parquet", "plain_text/train-00000-of-00002.parquet"): {"train": 2},
    ("data/train-0.parquet", "data/valid.parquet", "data/extra-0.parquet", "README.md"): {"train": 1, "val": 1},
    ("default/train/0000.parquet", "default/validation/0000.parquet"): {"train": 1, "val": 1},
    ("Train.parquet", "val_1.parquet"): {"train": 1, "val": 1},
    ("a.parquet", "b.parquet", ".cache/c.parquet"): {"train": 2},
    ("data/train-1.parquet", "other/train-1.parquet"): {"train": 1},
    ("full/train-1.parquet", "labels/notes.json", "sample/test-1.parquet"): {"train": 1},
}


@pytest.mark.parametrize("files", CHOICES)
def test_parts_are_told_from_names(files: tuple[str, ...]) -> None:
    shards = choose_shards(files, "here")
    assert {part: len(chosen) for part, chosen in shards.parts.items()} == CHOICES[files]
    assert list(shards.parts["train"]) == sorted(shards.parts["train"])
    assert all(file.startswith(shards.folder) for file in shards.files)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ((), "there are no parquet files"),
        (("test-1.parquet",), "no parquet file is named train"),
        (("a/train-1.parquet", "b/train-1.parquet"), "several configurations (a, b)"),
        (("train-00000-of-00003.parquet", "train-00002-of-00003.parquet"), "train-00001-of-00003.parquet is missing"),
        (("train.parquet", "test-00000-of-99999999999.parquet"), "test-00000000001-of-99999999999.parquet is missing"),
    ],
)
def test_names_that_tell_no_parts(files: tuple[str, ...], message: str) -> None:
    with pytest.raises(DataError, match="here") as refusal:
        choose_shards(files, "here")
    assert message in str(refusal.value)


def test_rows_in_order_over_files_and_row_groups(table: Table, tmp_path: Path) -> None:
    first = table(tmp_path / "1.parquet", [0, 1, 0, 1, 1, 0, 0], names=["cat", "dog"])
    second = table(tmp_path / "2.parquet", [1, 1], names=["cat", "dog"], images=[plain(100), plain(101)])
    listing = listed(first, second, test=second)
    assert listing.class_names == ("cat", "dog")
    assert listing.labels.tolist() == [0, 1, 0, 1, 1, 0, 0, 1, 1, 1, 1]
    assert listing.parts["test"].tolist() == [9, 10]
    for _ in range(2):
        assert [int(image[0, 0, 0]) for image in listing.pixels.read()] == [0, 1, 2, 3, 4, 5, 6, 100, 101, 100, 101]


@pytest.mark.parametrize(
    ("labels", "names"),
    [([2, 0, 1], ("0", "1", "2")), (["b", "a", "c"], ("a", "b", "c")), ([True, False, True], ("0", "1"))],
)
def test_names_from_the_values(table: Table, tmp_path: Path, labels: list[object], names: tuple[str, ...]) -> None:
    assert listed(table(tmp_path / "1.parquet", labels)).class_names == names


def test_the_column_of_the_labels(table: Table, tmp_path: Path) -> None:
    for number, column in enumerate(("label", "labels", "fine_label")):
        path = table(tmp_path / f"{number}.parquet", [0, 1], columns=("img", column), other=[5, 5])
        assert listed(path).labels.tolist() == [0, 1]
    described = table(tmp_path / "4.parquet", [0, 1], columns=("photo", "species"), names=["ape", "cow"], other=[5, 5])
    assert listed(described).class_names == ("ape", "cow")
    two = table(tmp_path / "5.parquet", [0, 1], label=[0, 0], columns=("image", "fine_label"))
    assert listed(two, label="fine_label").labels.tolist() == [0, 1]
    with pytest.raises(DataError, match="no column label or labels or fine_label; it has image, kind"):
        listed(table(tmp_path / "6.parquet", [0, 1], columns=("image", "kind")))


def test_a_test_part_without_labels_is_left_out_and_told(table: Table, tmp_path: Path) -> None:
    train, test = table(tmp_path / "a.parquet", [0, 1]), table(tmp_path / "b.parquet", [-1, -1])
    listing = listed(train, test=test)
    assert list(listing.parts) == ["train"]
    assert listing.provenance["left out, without labels"] == ["test"]
    assert len(list(listing.pixels.read())) == 2


def test_what_is_wrong_in_a_file(table: Table, tmp_path: Path) -> None:
    path = tmp_path / "x.parquet"
    for labels, message in (([0, None], "rows with none"), ([[0], [1]], "none or several"), ([0, -1], "is negative")):
        with pytest.raises(DataError, match=message):
            listed(table(path, labels))
    with pytest.raises(DataError, match="no name among the 2 class names"):
        listed(table(path, [0, 2], names=["a", "b"]))
    other = table(tmp_path / "y.parquet", [0, 1], columns=("image", "kind"))
    with pytest.raises(DataError, match=r"y\.parquet: has no column 'label', unlike"):
        listed(table(path, [0, 1]), other)


@pytest.mark.parametrize("kind", [pa.list_(pa.uint8()), pa.string(), pa.struct({"x": pa.binary()})])
def test_images_that_are_no_bytes_are_refused(tmp_path: Path, kind: pa.DataType) -> None:
    columns = {"image": pa.array([None, None], pa.struct({"bytes": kind})), "label": [0, 1]}
    pq.write_table(pa.table(columns), tmp_path / "x.parquet")
    with pytest.raises(DataError, match="no column of images"):
        listed(tmp_path / "x.parquet")


def test_a_damaged_file_is_named(table: Table, tmp_path: Path, where: Locations) -> None:
    folder = tmp_path / "data" / "mnist"
    path = table(folder / "train-1.parquet", [0, 1] * 300, images=[plain(i % 256, 40, 40) for i in range(600)])
    good = path.read_bytes()
    middle = bytearray(good)
    middle[200:400] = bytes(200)
    places = Locations(folder.parent, where.cache, offline=True)
    for content in (b"", b"<html>", good[:-100], good[100:], good[:1000] + good[-1000:], bytes(middle)):
        path.write_bytes(content)
        with pytest.raises(DataError, match=r"train-1\.parquet"):
            load(DataSpec(name="mnist"), places)
    assert not list(where.cache.rglob("*.u8")), "nothing half-written"


@settings(max_examples=80, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(flips=st.lists(st.tuples(st.floats(0, 1, exclude_max=True), st.integers(1, 255)), min_size=1, max_size=4))
def test_no_damage_raises_anything_but_a_sentence(
    table: Table, tmp_path: Path, where: Locations, flips: list[tuple[float, int]]
) -> None:
    path = table(tmp_path / "mnist" / "train-0.parquet", [0, 1] * 10, names=["a", "b"])
    content = bytearray(path.read_bytes())
    for place, change in flips:
        content[int(place * len(content))] ^= change
    path.write_bytes(content)
    with suppress(DataError):
        load(DataSpec(name="mnist"), Locations(tmp_path, where.cache, offline=True))


def test_bad_images_in_a_table_are_named_by_row(table: Table, tmp_path: Path) -> None:
    path = table(tmp_path / "x.parquet", [0, 1, 0], images=[plain(), b"", b"nonsense"])
    assert [str(image) for image in list(listed(path).pixels.read())[1:]] == [
        f"{path}, row 1, is empty",
        f"{path}, row 2, is not an image of a known format, or its beginning is damaged",
    ]
