"""Files that are published under a fixed address: found on this machine, or downloaded, and checked before use."""

import base64
import fcntl
import hashlib
import http.client
import logging
import os
import re
import urllib.error
import urllib.request
from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path
from typing import BinaryIO, Protocol

from bakeoff import durable, patience
from bakeoff.errors import ModelError, OfflineError
from bakeoff.patience import ATTEMPTS, TRANSIENT

TIMEOUT = 30.0  # seconds without a byte
MAX_BYTES = 4 << 30
CHUNK = 1 << 20

logger = logging.getLogger(__name__)

_FULL = (ENOSPC, EDQUOT, EFBIG)  # trouble of this machine, not of the network


class Places(Protocol):
    """Where weights may be found on this machine, and whether they may be fetched."""

    @property
    def data_dir(self) -> Path | None:
        """A folder of the user's."""
        ...

    @property
    def cache(self) -> Path:
        """Where downloads are kept."""
        ...

    @property
    def offline(self) -> bool:
        """Whether downloading is switched off."""
        ...


@dataclass(frozen=True)
class Published:
    """A file that somebody publishes.

    Attributes:
        url: its address.
        checksum: `md5:` or `sha256:` with hexadecimal digits, or the first of them; empty where none is published.
    """

    url: str
    checksum: str = ""

    @property
    def name(self) -> str:
        """The name of the file."""
        return self.url.rpartition("/")[2]


def folders_of(where: Places) -> list[Path]:
    """Return the folders in which the user may have put files of weights."""
    if where.data_dir is None:
        return []
    return [where.data_dir, where.data_dir / "weights", where.data_dir.absolute().parent / "weights"]


def obtain(file: Published, where: Places, also: Sequence[Path] = ()) -> Path:
    """Return the path of a published file on this machine, after downloading it where it is not there.

    Args:
        file: what is wanted.
        where: the user's folder is looked into first, then the cache; a download goes into the cache.
        also: folders of other programs that may have it.

    Raises:
        OfflineError: it is not here, and downloading is switched off or failed.
        ModelError: the file that is here, or what the server sends, has not the published checksum.
    """
    cached = where.cache / "weights" / file.name
    for folder in (*folders_of(where), *also):
        path = folder / file.name
        if path.is_file():
            _check(path, file)
            return path
    if not cached.is_file():
        if where.offline:
            raise OfflineError(_by_hand(file, "downloading is switched off"))
        download(file, cached)
    _check(cached, file)
    return cached


def download(file: Published, to: Path) -> None:
    """Download a file into its place, which gets it whole and checked, or not at all.

    What was broken off is gone on with, also by a later call. Of several processes one downloads, and the others wait.

    Raises:
        OfflineError: the server does not answer, or not with the file.
        ModelError: what it sends has not the published checksum, or the place cannot be written.
    """
    partial = to.with_name(to.name + ".partial")
    try:
        to.parent.mkdir(parents=True, exist_ok=True)
        while not to.is_file():
            with partial.open("ab") as started:
                fcntl.flock(started, fcntl.LOCK_EX)
                # Another process may have finished, or have thrown its part away, while this one waited.
                if not to.is_file() and _is_open(started, partial):
                    _finish(started, partial, file)
                    partial.replace(to)
        partial.unlink(missing_ok=True)
        durable.sync_folder(to.parent)
    except OSError as error:
        raise ModelError(
            f"{to.parent}: cannot be written ({error.strerror}); make room, or set BAKEOFF_CACHE to a folder that can "
            "be"
        ) from None


def _is_open(file: BinaryIO, path: Path) -> bool:
    return path.exists() and os.path.samestat(os.fstat(file.fileno()), path.stat())


def _finish(started: BinaryIO, partial: Path, file: Published) -> None:
    logger.info("downloading %s", file.url)
    served = _fill(started, file)
    os.fsync(started.fileno())
    if wrong := _wrong(partial, file.checksum or served):
        partial.unlink()
        raise ModelError(f"{file.url}: what the server sent {wrong}; nothing of it is kept, try again")


def _fill(started: BinaryIO, file: Published) -> str:
    """Append to a started file what is missing, in several attempts if need be; return the server's checksum of it."""
    why = asked = ""
    for attempt in range(ATTEMPTS):
        if attempt:
            patience.wait(attempt, asked)
        try:
            return _transfer(started, file)
        except urllib.error.HTTPError as error:
            error.close()
            why = f"the server answered {error.code} {error.reason}"
            if error.code == 416:  # there is no more than what is here already: that is not the file
                started.truncate(0)
            elif error.code not in TRANSIENT:
                raise OfflineError(_by_hand(file, why)) from None
            asked = error.headers.get("Retry-After", "")
        except (OSError, http.client.HTTPException, ValueError) as error:  # the last where it sends us to no address
            if isinstance(error, OSError) and error.errno in _FULL:
                raise
            why, asked = str(getattr(error, "reason", error)) or type(error).__name__, ""
    raise OfflineError(_by_hand(file, f"{ATTEMPTS} attempts to download it failed, the last because {why}"))


def _transfer(started: BinaryIO, file: Published) -> str:
    request = urllib.request.Request(file.url, headers={"User-Agent": "bakeoff"})  # noqa: S310, addresses are ours
    have = started.seek(0, os.SEEK_END)
    if have:
        request.add_header("Range", f"bytes={have}-")
    with urllib.request.urlopen(request, timeout=TIMEOUT) as answer:  # noqa: S310
        if have and not answer.headers.get("Content-Range", "").startswith(f"bytes {have}-"):
            have = started.truncate(0)  # the server sends all of it
        while chunk := answer.read(CHUNK):
            have += len(chunk)
            if have > MAX_BYTES:
                started.truncate(0)
                raise ModelError(f"{file.url}: sends more than {MAX_BYTES:,} bytes; it is not what was published")
            started.write(chunk)
        started.flush()
        if answer.length:
            raise ConnectionError(f"the connection ended {answer.length:,} bytes early")
        return _served_md5(answer.headers)


def _served_md5(headers: Message) -> str:
    """Return the checksum that Google's storage sends along with a file."""
    found = re.search(r"md5=([A-Za-z0-9+/]{22}==)", ",".join(headers.get_all("x-goog-hash", [])))
    return f"md5:{base64.b64decode(found[1]).hex()}" if found else ""


def _check(path: Path, file: Published) -> None:
    if wrong := _wrong(path, file.checksum):
        raise ModelError(f"{path}: it {wrong}, so that it is damaged or not {file.url}; it is not used, remove it")


def _wrong(path: Path, checksum: str) -> str:
    """Return what is wrong with the content of a file, or nothing."""
    kind, _, expected = checksum.partition(":")
    if not expected:
        return ""
    with path.open("rb") as content:
        found = hashlib.file_digest(content, kind).hexdigest()
    return "" if found.startswith(expected) else f"has the {kind} {found} instead of {expected}"


def _by_hand(file: Published, why: str) -> str:
    return (
        f"{file.name} is not on this machine and {why}; fetch {file.url} by other means, put it into a folder DIR and "
        "give --data-dir DIR"
    )
