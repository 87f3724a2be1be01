"""When training should stop before it is done: at a signal, or at the end of its time."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from bakeoff.errors import SpecError

KINDS = (signal.SIGINT, signal.SIGTERM)


def check_limit(time_limit: float | None) -> None:
    """Raise `SpecError` for a limit, in seconds, that leaves no time."""
    if time_limit is not None and not time_limit > 0:
        raise SpecError(f"a time limit of {time_limit:g} seconds leaves no time to train; make it larger")


class Stop:
    """Whether training should stop.

    Args:
        time_limit: in seconds from now on; None for none.

    Attributes:
        signalled: the number of the signal that asked for it; 0 for none.
    """

    def __init__(self, time_limit: float | None) -> None:
        self.signalled = 0
        self._deadline = time.monotonic() + time_limit if time_limit else None

    def why(self) -> str:
        """Return why training should stop, or nothing."""
        if self.signalled:
            return f"stopped by {signal.Signals(self.signalled).name}"
        return "the time limit was reached" if self._deadline and time.monotonic() > self._deadline else ""


@contextmanager
def stopping(stop: Stop, told: Callable[[], None]) -> Iterator[None]:
    """Let the first Ctrl-C or SIGTERM in the block ask training to stop; a second one acts as it always does.

    Args:
        stop: what then says so.
        told: called when a signal asks for it, since that takes a moment.
    """

    def ask(number: int, _: object) -> None:
        stop.signalled = number
        for kind, handler in usual.items():
            signal.signal(kind, handler)
        told()

    if threading.current_thread() is not threading.main_thread():  # which alone is told of signals
        yield
        return
    usual = {kind: signal.getsignal(kind) for kind in KINDS}
    for kind in KINDS:
        signal.signal(kind, ask)
    try:
        yield
    finally:
        for kind, handler in usual.items():
            signal.signal(kind, handler)
