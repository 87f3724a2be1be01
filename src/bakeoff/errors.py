"""Errors that a user can mend: one clear sentence that names the value and what to do.

Everything raised on purpose for a user derives from `BakeoffError`, so that the command line can print its
sentence without a traceback. Broken invariants are `assert`s and other exceptions: those are our faults.
"""

import re
from collections.abc import Iterable
from difflib import get_close_matches

LISTED = {"model": "bakeoff models", "recipe": "bakeoff recipes", "system": "bakeoff reproduce --list"}


class BakeoffError(Exception):
    """A mistake that the user can mend."""


class UnknownNameError(BakeoffError):
    """A name that nothing is registered under; the message lists the nearest ones."""

    def __init__(self, kind: str, name: str, known: Iterable[str]) -> None:
        self.kind, self.name = kind, name
        is_pattern = any(character in name for character in "*?[")
        what = f"no {kind} fits the pattern {name!r}" if is_pattern else f"unknown {kind} {name!r}"
        near = nearest(re.sub(r"[*?\[\]]", "", name), known)
        lists = f"; {LISTED[kind]} lists them" if kind in LISTED else ""
        super().__init__(f"{what}{near or lists}")


class SpecError(BakeoffError):
    """A setting of the wrong type, out of range, unknown, or in conflict with another."""


class DataError(BakeoffError):
    """A data set that is missing, unreadable or not fit for a comparison."""


class OfflineError(DataError):
    """Something must be downloaded, and downloading was refused or is impossible."""


class ModelError(BakeoffError):
    """A network that cannot be built for the given input, classes or weights."""


class StoreError(BakeoffError):
    """An output folder or database that cannot be used."""


class DatabaseFailedError(StoreError):
    """A database that was opened, and failed since: nothing can be recorded."""


class LostClaimError(BakeoffError):
    """A run that another worker has taken over, since this one was not heard of for long."""


class TestLockedError(BakeoffError):
    """The test set was asked for before the model that it is to judge was final."""

    __test__ = False  # not a test class, whatever pytest thinks of the name


class DivergedError(BakeoffError):
    """Training reached a loss or weight that is not finite."""


class InterruptedRunError(BakeoffError):
    """Training was asked to stop, and saved where it was."""


def nearest(name: str, known: Iterable[str], most: int = 3) -> str:
    """Return a suffix for an error message: the closest known names, or all when there are few."""
    names = sorted(set(known))
    close = get_close_matches(name, names, n=most, cutoff=0.5)
    if close:
        return f"; did you mean {' or '.join(close)}?"
    if len(names) <= 12:
        return f"; choose from {', '.join(names)}" if names else ""
    return ""
