"""Addresses on the Hugging Face hub, and what its client raises made into sentences of ours."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bakeoff.errors import BakeoffError

_SHA256 = re.compile(r"[0-9a-f]{64}")
_ADDRESS = re.compile(r"(?P<repo>[\w.-]+/[\w.-]+)(@(?P<revision>[\w./-]+))?", re.ASCII)


def is_address(text: str) -> bool:
    """Whether a text could be owner/name or owner/name@revision on the hub."""
    return _ADDRESS.fullmatch(text) is not None


def split_address(address: str) -> tuple[str, str]:
    """Return the repository and the revision of an address; the revision is `main` where none is named.

    Raises:
        ValueError: it is no address, or the hub allows no such name; the text says why.
    """
    from huggingface_hub.errors import HFValidationError
    from huggingface_hub.utils._validators import validate_repo_id

    found = _ADDRESS.fullmatch(address)
    if not found:
        raise ValueError("it is not owner/name or owner/name@revision")
    try:
        validate_repo_id(found["repo"])
    except HFValidationError as error:
        raise ValueError(str(error)) from None
    return found["repo"], found["revision"] or "main"


def checksum_on_hub(path: Path) -> str:
    """Return the SHA-256 that the hub has of a file; empty where that is not known.

    In the client's cache a large file is a link to one that has its checksum for a name. The client itself believes
    what it downloads.
    """
    name = path.resolve().name
    return name if _SHA256.fullmatch(name) else ""


@contextmanager
def asking(missing: BakeoffError, failed: Callable[[str], BakeoffError]) -> Iterator[None]:
    """Turn what the client raises into an error of ours.

    Args:
        missing: where there is no such repository or revision, or it may not be read.
        failed: makes the error for everything else, told why it failed.
    """
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    try:
        yield
    except (RepositoryNotFoundError, RevisionNotFoundError):
        raise missing from None
    except Exception as error:  # the client lets through what its HTTP library raises, and that has changed over time
        cause: BaseException = error
        while cause.__cause__:
            cause = cause.__cause__
        reason = str(cause).partition("\n")[0][:200] or type(cause).__name__
        raise failed(f"could not be downloaded ({reason})") from None
