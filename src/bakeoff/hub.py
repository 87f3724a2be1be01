"""Addresses on the Hugging Face hub, and what its client raises made into sentences of ours."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

from bakeoff import patience
from bakeoff.errors import BakeoffError
from bakeoff.patience import ATTEMPTS, TRANSIENT

T = TypeVar("T")

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


def ask(call: Callable[[], T], missing: BakeoffError, failed: Callable[[str], BakeoffError]) -> T:
    """Return what a call of the client returns; a hub that is busy or out of order is asked again, a few times.

    Args:
        call: asks the hub.
        missing: raised where there is no such repository or revision, or it may not be read.
        failed: makes the error for everything else, told why it failed.
    """
    from huggingface_hub.errors import RepositoryNotFoundError, RevisionNotFoundError

    attempt = 1
    while True:
        try:
            return call()
        except (RepositoryNotFoundError, RevisionNotFoundError):
            raise missing from None
        except Exception as error:  # the client lets through what its HTTP library raises, which has changed over time
            answers = (getattr(one, "response", None) for one in _causes(error))
            answer = next((one for one in answers if one is not None), None)
            if answer is None or answer.status_code not in TRANSIENT or attempt == ATTEMPTS:
                *_, cause = _causes(error)
                reason = str(cause).partition("\n")[0][:200] or type(cause).__name__
                tried = f" in {attempt} attempts" if attempt > 1 else ""
                raise failed(f"could not be downloaded{tried} ({reason})") from None
            patience.wait(attempt, answer.headers.get("Retry-After"))
        attempt += 1


def _causes(error: BaseException) -> Iterator[Any]:
    """Yield an error, what it was raised from, and so on to the first one."""
    cause: BaseException | None = error
    while cause:
        yield cause
        cause = cause.__cause__
