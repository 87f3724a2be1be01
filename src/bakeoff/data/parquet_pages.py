"""How large the pages of a parquet file are once they are unpacked, from their headers, before any of them is unpacked.

What the end of a file says of a whole column can be made up, since readers compare it with nothing. The headers of
pages are what they obey. Both are written in Thrift's compact protocol, which is read here: Arrow's own objects for
columns end the process where their statistics contradict themselves (found by fuzzing pyarrow 26.0.1).

Sources: `FileMetaData` and `PageHeader` in
https://github.com/apache/parquet-format/blob/master/src/main/thrift/parquet.thrift and
https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

BYTE, INT16, INT32, INT64, DOUBLE, BINARY, LIST, SET, MAP, STRUCT = range(3, 13)
BITS = {INT16: 16, INT32: 32, INT64: 64}
MAX_DEPTH = 64  # as Thrift's own readers have it
MAX_BINARY = 100 << 20  # bytes; likewise
# Fields, by their numbers: of a file, a group of rows, a column's chunk, and a page's header.
ROW_GROUPS, COLUMNS, ABOUT = 4, 1, 3
PATH, SIZE, DATA_PAGE, DICTIONARY_PAGE = 3, 7, 9, 11
UNPACKED, PACKED = 2, 3


@dataclass(frozen=True)
class _Chunk:
    """Where the pages of a column lie for one group of rows: from `start` to before `end`, in bytes."""

    column: str
    start: int
    end: int


def page_sizes(path: Path, column: str) -> Iterator[int]:
    """Yield how many bytes each page of a column takes in memory.

    They end at a header that cannot be read, since no reader comes past it either.

    Args:
        path: of a parquet file.
        column: its name; the columns within it are meant too.

    Raises:
        ValueError: the end of the file, where its columns are described, cannot be read.
    """
    with path.open("rb") as file:
        for chunk in list(_chunks(file)):
            if f"{chunk.column}.".startswith(f"{column}."):
                yield from _pages(file, chunk)


def _chunks(file: BinaryIO) -> Iterator[_Chunk]:
    file.seek(-8, 2)
    end = file.tell()
    file.seek(end - int.from_bytes(file.read(4), "little"))
    try:
        for group in _struct(file)[ROW_GROUPS]:
            for column in group[COLUMNS]:
                about = column[ABOUT]
                place, dictionary = about[DATA_PAGE] + 0, about.get(DICTIONARY_PAGE, 0)
                start = dictionary if 0 < dictionary < place else place
                yield _Chunk(b".".join(about[PATH]).decode(), start, start + about[SIZE])
    except (KeyError, TypeError, AttributeError):
        raise ValueError("its columns are not described") from None


def _pages(file: BinaryIO, chunk: _Chunk) -> Iterator[int]:
    place = chunk.start
    while place < chunk.end:
        try:
            file.seek(place)
            header = _struct(file)
        except (OSError, ValueError):
            return
        unpacked, packed = header.get(UNPACKED), header.get(PACKED)
        if not isinstance(unpacked, int) or not isinstance(packed, int) or min(unpacked, packed) < 0:
            return
        yield max(unpacked, packed)
        place = file.tell() + packed


def _struct(file: BinaryIO, depth: int = 0) -> dict[int, Any]:
    """Return the values of a struct by the numbers of its fields."""
    return {number: _value(file, kind, depth) for number, kind in _fields(file)}


def _fields(file: BinaryIO) -> Iterator[tuple[int, int]]:
    """Yield number and kind of each field of a struct; whoever asks for the next one has gone past its value."""
    number = 0
    while byte := _byte(file):
        number = number + (byte >> 4) if byte >> 4 else _signed(_varint(file), 16)
        yield number, byte & 15


def _value(file: BinaryIO, kind: int, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise ValueError("structs within each other without end")
    if kind in (1, 2):  # truth values, which a field's kind tells
        return kind == 1
    if kind == BYTE:
        return _byte(file)
    if kind in BITS:
        return _signed(_varint(file), BITS[kind])
    if kind == DOUBLE:
        return _bytes(file, 8)
    if kind == BINARY:
        return _bytes(file, _varint(file) & 0xFFFFFFFF)
    if kind in (LIST, SET):
        byte = _byte(file)
        size = byte >> 4 if byte >> 4 < 15 else _varint(file) & 0xFFFFFFFF
        inner = max(byte & 15, BYTE)  # truth values are bytes here
        return [_value(file, inner, depth + 1) for _ in range(size)]
    if kind == STRUCT:
        return _struct(file, depth + 1)
    raise ValueError(f"values of the kind {kind}")  # maps, of which there are none


def _bytes(file: BinaryIO, size: int) -> bytes:
    if size > MAX_BINARY or len(found := file.read(size)) < size:
        raise ValueError("it ends too early")
    return found


def _byte(file: BinaryIO) -> int:
    return _bytes(file, 1)[0]


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
