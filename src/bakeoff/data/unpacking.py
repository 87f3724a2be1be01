"""How much a file of images may unpack to: a small file can be made to hold gigabytes of zeros."""

from pathlib import Path

from bakeoff.errors import DataError

MAX_RATIO = 100  # of what a file unpacks to; drawings on white compress well, photos hardly
ALWAYS_UNPACKED = 1 << 30  # bytes that every machine has


def check_unpacked(path: Path, unpacked: int) -> None:
    """Raise `DataError` where so many bytes are far more than a file of its size can mean."""
    if unpacked > max(ALWAYS_UNPACKED, MAX_RATIO * path.stat().st_size):
        raise DataError(f"{path}: unpacks to {unpacked:,} bytes or more, which no real images do; write it again")
