"""Small files that would be large in memory: refused, by a process that hardly grows meanwhile."""

import io
import json
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from PIL import Image
from tally import Tally

CAP = 64 << 20  # bytes that a process may grow by, whatever it is given
READ = """
import json, resource, sys
from pathlib import Path
from bakeoff.data.decode import Blob, decode, read_header
from bakeoff.errors import BakeoffError

def photo(path):
    return f"{read_header(Blob('x', path))}; {decode(Blob('x', path))}"

READERS = {}
if "--archives" in sys.argv:
    from bakeoff.data.load import load
    from bakeoff.data.locations import Locations
    from bakeoff.data.parquet import parquet_listing
    from bakeoff.models.keras_files import read_keras
    from bakeoff.models.state_dicts import read_state_dict
    from bakeoff.specs.data import DataSpec

    def npz(path):
        return load(DataSpec(name=str(path)), Locations(cache=path.parent / "cache", offline=True))

    def parquet(path):
        return list(parquet_listing({"train": [path]}, DataSpec(name="x"), {}).pixels.read())

    READERS = {".npz": npz, ".parquet": parquet, ".h5": read_keras, ".keras": read_keras, ".pth": read_state_dict}

peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10
for path in sorted(Path(sys.argv[1]).iterdir()):
    before = peak()
    try:
        said = str(READERS.get(path.suffix, photo)(path))
    except BakeoffError as error:
        said = str(error)
    print(json.dumps([path.name, said[:300], peak() - before]))
"""


def saved(kind: str, size: tuple[int, int] = (8, 8), **options: object) -> bytes:
    buffer = io.BytesIO()
    Image.new("RGB", size).save(buffer, kind, **options)
    return buffer.getvalue()


def resized(content: bytes, layout: str, there: tuple[int, ...], wanted: tuple[int, ...]) -> bytes:
    """Return a file in which other numbers stand where those of a layout stood."""
    old = struct.pack(layout, *there)
    assert old in content
    return content.replace(old, struct.pack(layout, *wanted))


def photos() -> Iterator[tuple[str, bytes]]:
    """Yield images of a few bytes that say that they have gigapixels."""
    png = resized(saved("PNG"), ">4sII", (b"IHDR", 8, 8), (b"IHDR", 60_000, 60_000))
    yield "a.png", png[:29] + struct.pack(">I", zlib.crc32(png[12:29])) + png[33:]
    yield "a.jpg", resized(saved("JPEG"), ">HBHH", (17, 8, 8, 8), (17, 8, 60_000, 60_000))
    yield "a.bmp", resized(saved("BMP"), "<Iii", (40, 8, 8), (40, 60_000, 60_000))
    yield "a.gif", resized(saved("GIF"), "<6sHH", (b"GIF87a", 8, 8), (b"GIF87a", 60_000, 60_000))
    yield "frame.gif", resized(saved("GIF"), "<cHHHH", (b",", 0, 0, 8, 8), (b",", 0, 0, 60_000, 60_000))
    yield "a.ppm", b"P6 60000 60000 255\n" + bytes(99)
    tiff = saved("TIFF")
    for tag in (256, 257):
        tiff = resized(tiff, "<HHII", (tag, 4, 1, 8), (tag, 4, 1, 60_000))
    yield "a.tiff", tiff
    size = b"\x07\x00\x00\x07\x00\x00"  # numbers of 24 bits, less one, behind four bytes of flags
    webp = saved("WEBP", lossless=True, exif=b"Exif\0\0II*\0\x08\0\0\0\0\0")
    place = webp.index(b"VP8X") + 12
    assert webp[place : place + 6] == size
    yield "a.webp", webp[:place] + b"\x5f\xea\x00" * 2 + webp[place + 6 :]
    jp2 = resized(saved("JPEG2000"), ">4sII", (b"ihdr", 8, 8), (b"ihdr", 60_000, 60_000))
    yield "a.jp2", resized(jp2, ">HIIII", (0, 8, 8, 0, 0), (0, 60_000, 60_000, 0, 0))


def write_photos(folder: Path) -> None:
    for name, content in photos():
        (folder / name).write_bytes(content)


def write_archives(folder: Path) -> None:
    """Write files of data and weights of which each unpacks to gigabytes."""
    megabyte, header = bytes(1 << 20), io.BytesIO()
    shape = {"descr": "|u1", "fortran_order": False, "shape": (2, 40_000, 40_000)}
    np.lib.format.write_array_header_1_0(header, shape)
    names = {"a.npz": "x.npy", "a.keras": "model.weights.h5", "a.pth": "archive/data.pkl"}
    for name, member in names.items():
        with zipfile.ZipFile(folder / name, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
            with archive.open(member, "w", force_zip64=True) as file:
                file.write(header.getvalue())
                for _ in range(3_200 if name == "a.npz" else 500):
                    file.write(megabyte)
            archive.writestr("y.npy", b"")
    with h5py.File(folder / "a.weights.h5", "w") as file:
        kernel = file.create_group("layers/dense/vars")
        kernel.create_dataset("0", (40_000, 40_000), "f4", compression="gzip", chunks=(4_000, 4_000), fillvalue=0)
    kind = pa.schema([("image", pa.struct([("bytes", pa.binary())])), ("label", pa.int64())])
    rows = pa.table({"image": [{"bytes": megabyte}] * 16, "label": [0, 1] * 8}, kind)
    with pq.ParquetWriter(folder / "a.parquet", kind, compression="zstd", use_dictionary=False) as file:
        for _ in range(200):
            file.write_table(rows)


@pytest.mark.parametrize("what", ["photos", pytest.param("archives", marks=pytest.mark.torture)])
def test_a_bomb_is_refused_below_a_cap_of_memory(what: str, tally: Tally, tmp_path: Path):
    """pixel bombs of every format, and files that unpack to gigabytes"""
    {"photos": write_photos, "archives": write_archives}[what](tmp_path)
    command = [sys.executable, "-c", READ, tmp_path, f"--{what}"]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    for name, said, growth in map(json.loads, done.stdout.splitlines()):
        tally.tried += 1
        refused = any(words in said for words in ("megapixels", "unpacks to", "far larger than itself"))
        if not refused or growth > CAP:
            tally.failures.append(f"{name}: {said}, {growth >> 20} MB")
