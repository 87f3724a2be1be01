"""When training should stop before it is done: at a signal, or at the end of its time."""

import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

KINDS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def stopping(time_limit: float | None) -> Iterator[Callable[[], str]]:
    """Give a function that says why training should stop, and nothing while it should go on.

    The first Ctrl-C or SIGTERM asks training to stop; a second one acts as it always does.

    Args:
        time_limit: in seconds; None for none.
    """
    deadline = time.monotonic() + time_limit if time_limit else None
    signalled = ""

    def why() -> str:
        if signalled:
            return f"stopped by {signalled}"
        return "the time limit was reached" if deadline and time.monotonic() > deadline else ""

    def ask(number: int, _: object) -> None:
        nonlocal signalled
        signalled = signal.Signals(number).name
        for kind, handler in usual.items():
            signal.signal(kind, handler)

    if threading.current_thread() is not threading.main_thread():  # which alone is told of signals
        yield why
        return
    usual = {kind: signal.getsignal(kind) for kind in KINDS}
    for kind in KINDS:
        signal.signal(kind, ask)
    try:
        yield why
    finally:
        for kind, handler in usual.items():
            signal.signal(kind, handler)
