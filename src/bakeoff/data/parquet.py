"""Images in parquet files as the hub lays them out: a struct column of encoded bytes, and a column of labels.

Columns, and the names of the classes, are told from the `huggingface` metadata of the schema where there is some.
"""

import hashlib
import json
import logging
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from bakeoff.data.decode import Blob
from bakeoff.data.labels import number_labels
from bakeoff.data.parquet_pages import page_sizes
from bakeoff.data.pixels import EncodedPixels
from bakeoff.data.sources import Listing, consecutive, stamp
from bakeoff.data.unpacking import check_unpacked
from bakeoff.errors import DataError
from bakeoff.hub import checksum_on_hub
from bakeoff.specs.data import DataSpec

logger = logging.getLogger(__name__)

IMAGE_NAMES = ("image", "img")  # preferred where a table has several images a row
LABEL_NAMES = ("label", "labels", "fine_label")
ROWS = 64  # images that are read at a time
LABELS = 1 << 16
BATCH = 64 << 20  # bytes of a batch of rows, where one row does not have more
BUFFER = 1 << 20


def parquet_listing(
    parts: Mapping[str, Sequence[Path]], spec: DataSpec, provenance: Mapping[str, Any], label: str | None = None
) -> Listing:
    """Return the images of parquet files, which are read in small batches when they are decoded.

    Args:
        parts: the files of each part.
        spec: gives size and fit.
        provenance: where the files come from.
        label: the column of the labels, if the schema is not to tell.

    Raises:
        DataError: an unreadable file, no or several columns that could be meant, labels that are none.
    """
    columns = _columns(parts["train"][0], label)
    values = {part: np.concatenate([_labels(path, columns.label) for path in paths]) for part, paths in parts.items()}
    unlabelled = [
        part for part, given in values.items() if part != "train" and given.dtype.kind == "i" and (given == -1).all()
    ]
    for part in unlabelled:
        logger.warning("%s: the %s part has no labels (all are -1) and is left out", parts[part][0].parent, part)
        del values[part]
    paths = [path for part in values for path in parts[part]]
    labels, class_names = number_labels(np.concatenate(list(values.values())), columns.classes, str(paths[0].parent))
    return Listing(
        key=stamp(paths) + columns.label,
        pixels=EncodedPixels(_Rows(paths, columns.image), spec),
        labels=labels,
        class_names=class_names,
        parts=consecutive({part: len(given) for part, given in values.items()}),
        provenance={
            **provenance,
            "files": [path.name for path in paths],
            **({"left out, without labels": unlabelled} if unlabelled else {}),
        },
    )


@dataclass(frozen=True)
class _Columns:
    image: str
    label: str
    classes: tuple[str, ...] | None


@dataclass(frozen=True)
class _Rows:
    """The encoded images of files, row by row; each iteration reads the files anew."""

    paths: Sequence[Path]
    column: str

    def __iter__(self) -> Iterator[Blob]:
        for path in self.paths:
            _check_sum(path)
            with _reading(path), pq.ParquetFile(path, buffer_size=BUFFER, page_checksum_verification=True) as file:
                row = 0
                for batch in _batches(path, file, f"{self.column}.bytes", ROWS):
                    for data in batch.column(0).field("bytes"):
                        yield Blob(f"{path}, row {row},", data.as_py() or b"")
                        row += 1
                _check_rows(path, file, row)


@contextmanager
def _reading(path: Path) -> Iterator[None]:
    try:
        yield
    except (pa.ArrowException, OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise DataError(f"{path}: is not a readable parquet file ({reason}); fetch it again") from None


def _check_sum(path: Path) -> None:
    """Compare a file of the hub client's cache with the hub's checksum, before it is decoded: that is done once."""
    expected = checksum_on_hub(path)
    if not expected:
        return
    with _reading(path), path.open("rb") as content:
        found = hashlib.file_digest(content, "sha256").hexdigest()
    if found != expected:
        raise DataError(
            f"{path.resolve()}: its SHA-256 is {found}, but {expected} on the hub, so that it is damaged; it is not"
            " used, remove it and fetch it again"
        )


def _batches(path: Path, file: pq.ParquetFile, column: str, rows: int) -> Iterator[pa.RecordBatch]:
    """Yield a column in batches of at most so many rows; raise `DataError` before it fills the memory."""
    if file.metadata.num_rows > path.stat().st_size:
        raise DataError(f"{path}: has more rows than bytes, which no real images do; write it again")
    unpacked, largest = 0, 1
    for size in page_sizes(path, column):
        unpacked, largest = unpacked + size, max(largest, size)
        check_unpacked(path, unpacked)
    repeated = 0  # what is written once may be meant in every row; none is larger than a page
    for batch in file.iter_batches(max(1, min(rows, BATCH // largest)), columns=[column]):
        repeated += batch.nbytes
        check_unpacked(path, repeated)
        yield batch


def _check_rows(path: Path, file: pq.ParquetFile, rows: int) -> None:
    if rows != file.metadata.num_rows:
        raise DataError(f"{path}: has {rows} of {file.metadata.num_rows} rows; fetch it again")


def _columns(path: Path, label: str | None) -> _Columns:
    with _reading(path):
        schema = pq.read_schema(path)
    images = [field.name for field in schema if _holds_images(field.type)]
    if not images:
        raise DataError(
            f"{path}: has no column of images (a struct with a binary field bytes); it has {', '.join(schema.names)}"
        )
    features = _features(schema)
    classes = [
        name for name, feature in features.items() if name in schema.names and feature.get("_type") == "ClassLabel"
    ]
    candidates = [label] if label else [*LABEL_NAMES, *(classes if len(classes) == 1 else [])]
    chosen = next((name for name in candidates if name in schema.names), None)
    if chosen is None:
        raise DataError(f"{path}: has no column {' or '.join(candidates)}; it has {', '.join(schema.names)}")
    names = features.get(chosen, {}).get("names")
    return _Columns(
        image=next((name for name in IMAGE_NAMES if name in images), images[0]),
        label=chosen,
        classes=tuple(str(name) for name in names) if isinstance(names, list) else None,
    )


def _holds_images(kind: pa.DataType) -> bool:
    if not pa.types.is_struct(kind) or kind.get_field_index("bytes") < 0:
        return False
    encoded = kind.field("bytes").type
    return any(binary(encoded) for binary in (pa.types.is_binary, pa.types.is_large_binary, pa.types.is_binary_view))


def _features(schema: Any) -> dict[str, dict[str, Any]]:
    try:
        features = json.loads(schema.metadata[b"huggingface"])["info"]["features"]
        return {name: feature for name, feature in features.items() if isinstance(feature, dict)}
    except (TypeError, KeyError, ValueError, AttributeError):  # no metadata, or not the hub's
        return {}


def _labels(path: Path, column: str) -> NDArray[Any]:
    with _reading(path), pq.ParquetFile(path, page_checksum_verification=True) as file:
        if column not in file.schema_arrow.names:
            raise DataError(f"{path}: has no column {column!r}, unlike the first file of the data set")
        batches = [batch.column(0) for batch in _batches(path, file, column, LABELS)]
        values = pa.chunked_array(batches, file.schema_arrow.field(column).type)
        _check_rows(path, file, len(values))
    if values.null_count or pa.types.is_nested(values.type):
        raise DataError(f"{path}: every image needs one label, but the column {column!r} has rows with none or several")
    return values.to_numpy() if pa.types.is_integer(values.type) else np.asarray(values.to_pylist())
