"""Loggers of other projects, to which a study is sent while it runs: one file each."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path

from bakeoff.registry import Registry
from bakeoff.study.observer import Observer
from bakeoff.study.plan import Plan


class Tracker(Observer):
    """Sends on what it is told. None of its methods waits or fails, since training must not care.

    Args:
        plan: of the study.
        folder: of the study.

    Raises:
        SpecError: a package is missing.
        OfflineError: the network would be used, which was refused.
    """

    def __init__(self, plan: Plan, folder: Path) -> None:
        pass

    def reported(self, report: Path) -> None:
        """The study's report was written."""

    def close(self) -> None:
        """Send what is left, within bounded time."""


trackers: Registry[type[Tracker]] = Registry("logger", __name__)


@contextmanager
def tracking(names: str | Sequence[str] | None, plan: Plan, folder: Path) -> Iterator[tuple[Tracker, ...]]:
    """Open the loggers of these names, in a list or joined by commas, and close them in the end."""
    given = names.split(",") if isinstance(names, str) else names or ()
    chosen = [trackers.get(name) for name in dict.fromkeys(name.strip() for name in given)]
    with ExitStack() as stack:
        yield tuple(stack.enter_context(closing(kind(plan, folder))) for kind in chosen)
