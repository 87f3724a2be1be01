"""Parquet files that are made to unpack to far more than themselves: refused before they fill the memory."""

from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_files import plain

from bakeoff.data import parquet_pages
from bakeoff.data.parquet import parquet_listing
from bakeoff.data.parquet_pages import DOUBLE, LIST, page_sizes
from bakeoff.errors import DataError
from bakeoff.specs.data import DataSpec

MEGABYTE = 1 << 20
IMAGE = pa.struct({"bytes": pa.binary(), "path": pa.string()})


def images(*blobs: bytes | None) -> pa.Array:
    return pa.array([{"bytes": blob, "path": None} for blob in blobs], IMAGE)


def write(path: Path, image: pa.Array, label: object, **how: object) -> None:
    pq.write_table(pa.table({"image": image, "label": label}), path, dictionary_pagesize_limit=1 << 30, **how)


def compressed(path: Path) -> None:
    write(path, images(*[bytes(MEGABYTE)] * 8), [0, 1] * 4, compression="zstd", use_dictionary=False)


def written_once_and_meant_in_every_row(path: Path) -> None:
    write(path, images(*[bytes(MEGABYTE // 4)] * 32), [0, 1] * 16, compression="zstd", use_dictionary=True)


def labels_written_once(path: Path) -> None:
    label = pa.array(["a" * (MEGABYTE // 4)] * 32)
    write(path, images(*[plain(0)] * 32), label, compression="zstd", use_dictionary=True)


def labels_that_are_categories(path: Path) -> None:
    label = pa.array(["a" * (MEGABYTE // 4)] * 32).dictionary_encode()
    write(path, images(*[plain(0)] * 32), label, compression="zstd", row_group_size=4)


def varint(value: int, size: int = 0) -> bytes:
    """Return a positive number as Thrift writes it, drawn out to a size."""
    value, parts = value << 1, []
    while value or len(parts) < max(size, 1):
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*parts[:-1], parts[-1] & 0x7F])


def with_an_end_that_lies(path: Path) -> None:
    """The end of the file says of the column that it is small; the headers of its pages do not."""
    compressed(path)
    true = varint(pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size)
    content = path.read_bytes()
    assert true in content
    path.write_bytes(content.replace(true, varint(1000, len(true))))
    assert pq.ParquetFile(path).metadata.row_group(0).column(0).total_uncompressed_size == 1000


BOMBS = [
    compressed,
    written_once_and_meant_in_every_row,
    labels_written_once,
    labels_that_are_categories,
    with_an_end_that_lies,
]


@pytest.mark.parametrize("bomb", BOMBS)
def test_a_parquet_file_that_unpacks_to_far_more_than_itself_is_refused(
    bomb, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    path = tmp_path / "x.parquet"
    bomb(path)
    assert path.stat().st_size < MEGABYTE // 25
    monkeypatch.setattr("bakeoff.data.unpacking.ALWAYS_UNPACKED", 4 * MEGABYTE)
    monkeypatch.setattr("bakeoff.data.parquet.BATCH", MEGABYTE)
    with pytest.raises(DataError, match=r"x\.parquet: unpacks to [\d,]+ bytes or more, which no real images do"):
        list(parquet_listing({"train": [path]}, DataSpec(name="x"), {}).pixels.read())


def test_pages_are_believed_and_not_what_the_end_of_the_file_says_of_them(tmp_path: Path):
    path = tmp_path / "x.parquet"
    with_an_end_that_lies(path)
    assert sum(page_sizes(path, "image.bytes")) > 8 * MEGABYTE


def test_a_list_in_the_header_of_a_page_is_not_gone_through_beyond_the_end_of_the_file():
    """A struct whose first field is a list of a million numbers of eight bytes, of which there is none."""
    content = bytes([1 << 4 | LIST, 15 << 4 | DOUBLE, *varint(500_000)])
    file = BytesIO(content)
    with pytest.raises(ValueError, match="it ends too early"):
        parquet_pages._struct(file)
    assert file.tell() == len(content)


def test_more_rows_than_bytes_are_refused(tmp_path: Path):
    path = tmp_path / "x.parquet"
    write(path, images(*[None] * 100_000), [0] * 100_000)
    with pytest.raises(DataError, match=r"x\.parquet: has more rows than bytes"):
        parquet_listing({"train": [path]}, DataSpec(name="x"), {})


@pytest.mark.parametrize("version", ["1.0", "2.0"])
@pytest.mark.parametrize("compression", ["none", "zstd"])
@pytest.mark.parametrize("dictionary", [True, False])
def test_every_page_is_found(tmp_path: Path, version: str, compression: str, dictionary: bool):
    path = tmp_path / "x.parquet"
    how = {"data_page_version": version, "compression": compression, "use_dictionary": dictionary}
    blobs = [bytes([number]) * 1000 for number in range(250)]
    write(path, images(*blobs), [0, 1] * 125, row_group_size=100, data_page_size=10_000, write_batch_size=8, **how)
    metadata = pq.ParquetFile(path).metadata
    chunks = [metadata.row_group(group).column(0) for group in range(3)]
    sizes, declared = list(page_sizes(path, "image.bytes")), sum(one.total_uncompressed_size for one in chunks)
    assert len(sizes) > 6 or dictionary
    assert 250_000 <= sum(sizes) <= declared, "which counts the headers too"
    assert list(page_sizes(path, "imag")) == []
