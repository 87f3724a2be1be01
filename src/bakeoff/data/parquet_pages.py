"""How large the pages of a parquet file are once they are unpacked, from their headers, before any of them is unpacked.

What the end of a file says of a whole column can be made up, since readers compare it with nothing. The headers of
pages are what they obey. These are written in Thrift's compact protocol.

Sources: `PageHeader` in https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow.parquet as pq

UNPACKED, PACKED = 2, 3  # fields of a page's header: its size with and without compression
BYTE, INT16, INT32, INT64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(3, 13)
MAX_DEPTH = 64  # as Thrift's own readers have it


def page_sizes(path: Path, metadata: pq.FileMetaData, column: str) -> Iterator[int]:
    """Yield how many bytes each page of a column takes in memory.

    They end at a header that cannot be read, since no reader comes past it either.

    Args:
        path: of the file.
        metadata: of the file.
        column: its name; the columns within it are meant too.
    """
    with path.open("rb") as file:
        for group in range(metadata.num_row_groups):
            for index in range(metadata.num_columns):
                chunk = metadata.row_group(group).column(index)
                if f"{chunk.path_in_schema}.".startswith(f"{column}."):
                    yield from _pages(file, chunk)


def _pages(file: BinaryIO, chunk: Any) -> Iterator[int]:
    place, dictionary = chunk.data_page_offset, chunk.dictionary_page_offset or 0
    if 0 < dictionary < place:
        place = dictionary
    end = place + chunk.total_compressed_size
    while place < end:
        try:
            file.seek(place)
            sizes = _sizes(file)
        except (EOFError, ValueError):
            return
        unpacked, packed = sizes.get(UNPACKED, -1), sizes.get(PACKED, -1)
        if min(unpacked, packed) < 0:
            return
        yield max(unpacked, packed)
        place = file.tell() + packed


def _sizes(file: BinaryIO) -> dict[int, int]:
    """Go through a page's header; return the numbers of 32 bits in it, by field."""
    found = {}
    for number, kind in _fields(file):
        if kind == INT32:
            found[number] = _signed(_varint(file), 32)
        else:
            _skip(file, kind)
    return found


def _fields(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield number and kind of each field of a struct; whoever asks for the next one has gone past its value."""
    number = 0
    while byte := _byte(file):
        number = number + (byte >> 4) if byte >> 4 else _signed(_varint(file), 16)
        yield number, byte & 15


def _skip(file: BinaryIO, kind: int, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise ValueError("structs within each other without end")
    if kind == BYTE:
        _byte(file)
    elif kind in (INT16, INT32, INT64):
        _varint(file)
    elif kind == DOUBLE:
        for _ in range(8):  # and not by seeking: a list of four billion would be gone through beyond the file's end
            _byte(file)
    elif kind == BINARY:
        file.seek(_varint(file) & 0xFFFFFFFF, 1)
    elif kind in (LIST, SET):
        byte = _byte(file)
        size = byte >> 4 if byte >> 4 < 15 else _varint(file) & 0xFFFFFFFF
        for _ in range(size):
            _skip(file, byte & 15 if byte & 15 > 2 else BYTE, depth + 1)  # truth values, in a field's kind elsewhere
    elif kind == STRUCT:
        for _, inner in _fields(file):
            _skip(file, inner, depth + 1)
    elif kind not in (1, 2):  # truth values; the headers of pages have no maps
        raise ValueError(f"values of the kind {kind}")


def _byte(file: BinaryIO) -> int:
    if not (byte := file.read(1)):
        raise EOFError
    return byte[0]


def _varint(file: BinaryIO) -> int:
    value = 0
    for shift in range(0, 70, 7):
        byte = _byte(file)
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            return value
    raise ValueError("a number without end")


def _signed(value: int, bits: int) -> int:
    """Return the number of so many bits for which a varint stands, as readers cut it."""
    value &= (1 << bits) - 1
    return value >> 1 ^ -(value & 1)
