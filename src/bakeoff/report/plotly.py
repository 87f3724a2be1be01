"""Plotly's script, as it travels within a page: compressed, and allowed by its hash."""

import base64
import gzip
import hashlib
from functools import cache
from pathlib import Path


@cache
def script() -> bytes:
    """Return the script that comes with the Python package."""
    import plotly

    return (Path(plotly.__file__).parent / "package_data" / "plotly.min.js").read_bytes()


@cache
def packed() -> str:
    """Return the script, gzipped, in base64. Equal inputs give equal bytes."""
    return base64.b64encode(gzip.compress(script(), 9, mtime=0)).decode()


def allowed(source: bytes) -> str:
    """Return what names a script in a Content-Security-Policy: nothing but these very bytes may run."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(source).digest()).decode()}'"
