"""How long to wait for a server that is busy or out of order, before it is asked again."""

import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

ATTEMPTS = 5
FIRST_PAUSE = 1.0  # seconds; doubled after every further attempt
LONGEST_PAUSE = 30.0
TRANSIENT = (408, 425, 429, 500, 502, 503, 504)  # statuses that may be others a moment later

sleep = time.sleep


def wait(attempt: int, asked: str | None = None) -> None:
    """Sleep after an attempt that failed.

    Args:
        attempt: its number, from 1.
        asked: the answer's header `Retry-After`, seconds or a date, which is obeyed up to the longest pause.
    """
    sleep(min(max(FIRST_PAUSE * 2.0 ** (attempt - 1), _seconds(asked or "")), LONGEST_PAUSE))


def _seconds(asked: str) -> float:
    if asked.isdecimal():
        return float(asked)
    with suppress(ValueError, TypeError, OverflowError):  # it is no date, or one without its zone, or beyond all years
        return (parsedate_to_datetime(asked) - datetime.now(UTC)).total_seconds()
    return 0.0
