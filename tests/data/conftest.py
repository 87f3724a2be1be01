"""Folders and tables of images as users have them."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from image_files import plain


@pytest.fixture
def plant(tmp_path: Path) -> Callable[..., Path]:
    """Make a folder of image files from their paths; each image has the value of its place in the list."""

    def make(*paths: str, name: str = "photos", **options: Any) -> Path:
        root = tmp_path / name
        root.mkdir(exist_ok=True)
        for value, path in enumerate(paths):
            (root / path).parent.mkdir(parents=True, exist_ok=True)
            (root / path).write_bytes(plain(value, **options))
        return root

    return make


def write_table(
    path: Path,
    labels: Sequence[Any],
    *,
    images: Sequence[bytes] | None = None,
    names: Sequence[str] | None = None,
    columns: tuple[str, str] = ("image", "label"),
    **more: Sequence[Any],
) -> Path:
    """Write a parquet file in the hub's layout; the images have the value of their row where none are given."""
    path.parent.mkdir(parents=True, exist_ok=True)
    blobs = [plain(row) for row in range(len(labels))] if images is None else images
    kind = pa.struct({"bytes": pa.binary(), "path": pa.string()})
    content = pa.table({columns[0]: pa.array([{"bytes": blob} for blob in blobs], kind), columns[1]: labels, **more})
    if names is not None:
        features = {columns[0]: {"_type": "Image"}, columns[1]: {"_type": "ClassLabel", "names": list(names)}}
        content = content.replace_schema_metadata({"huggingface": json.dumps({"info": {"features": features}})})
    pq.write_table(content, path, row_group_size=3)
    return path


@pytest.fixture
def table() -> Callable[..., Path]:
    """See `write_table`."""
    return write_table
