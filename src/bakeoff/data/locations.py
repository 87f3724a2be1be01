"""Where data may be found on this machine, and whether it may be fetched."""

import os
from dataclasses import dataclass, field
from pathlib import Path


def default_cache() -> Path:
    """Return `$BAKEOFF_CACHE`, else `bakeoff` in the user's cache folder (`$XDG_CACHE_HOME` or `~/.cache`)."""
    if given := os.environ.get("BAKEOFF_CACHE"):
        return Path(given)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "bakeoff"


@dataclass(frozen=True)
class Locations:
    """Places on this machine. They never decide a result, so they are not part of any spec."""

    data_dir: Path | None = None  # holds data sets in folders of their names
    cache: Path = field(default_factory=default_cache)
    offline: bool = False
