"""Sending on a thread of its own, so that whoever receives it can neither stop nor slow training."""

import logging
import queue
import re
import threading
from collections.abc import Callable

MOST = 10_000  # things that wait to be sent
LAST_SECONDS = 15.0  # for what is left in the end

logger = logging.getLogger(__name__)


class Sender:
    """Carries out what it is given, in order, on a thread. The first failure is warned of, and no other.

    Args:
        receiver: who is sent to, for the warning.
        instead: what to do about what is missing there, for the warning.
    """

    def __init__(self, receiver: str, instead: str) -> None:
        self._receiver, self._instead = _without_password(receiver), instead
        self._waiting: queue.Queue[Callable[[], None] | None] = queue.Queue(MOST)
        self._warned = False
        # A daemon, because a server that does not answer must not keep the program from ending.
        self._thread = threading.Thread(target=self._work, name="bakeoff sender", daemon=True)
        self._thread.start()

    def send(self, call: Callable[[], None]) -> None:
        """Have something carried out later; drop it where too much waits."""
        try:
            self._waiting.put_nowait(call)
        except queue.Full:
            self._warn("it is too slow")

    def close(self) -> None:
        """Wait until everything is carried out, but no longer than `LAST_SECONDS`."""
        try:
            self._waiting.put(None, timeout=LAST_SECONDS)
        except queue.Full:
            self._warn("it is too slow")
            return
        self._thread.join(LAST_SECONDS)
        if self._thread.is_alive():
            self._warn("it is too slow")

    def _work(self) -> None:
        while call := self._waiting.get():
            try:
                call()
            except Exception as error:  # whatever a foreign library raises
                self._warn(f"{type(error).__name__}: {error}")

    def _warn(self, why: str) -> None:
        if not self._warned:
            self._warned = True
            why = " ".join(_without_password(why).split())[:300]
            logger.warning("%s does not take everything (%s); training goes on. %s", self._receiver, why, self._instead)


def _without_password(text: str) -> str:
    """Return a text with the names and passwords taken out of addresses."""
    return re.sub(r"//[^/\s]*@", "//", text)
