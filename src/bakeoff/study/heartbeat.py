"""Tell the store, while a run is trained, that it still is."""

import threading
from types import TracebackType
from typing import Self

from bakeoff.errors import LostClaimError, StoreError
from bakeoff.store.claims import BEAT_SECONDS, Claim
from bakeoff.store.database import Store


class Heartbeat:
    """Beats for a claimed run, from a thread: epochs, validation and waiting for a file can each take hours.

    Args:
        store: that holds the run.
        claim: of this worker.
        seconds: between beats.
    """

    def __init__(self, store: Store, claim: Claim, seconds: float = BEAT_SECONDS) -> None:
        self._store = store
        self._claim = claim
        self._seconds = seconds
        self._ended = threading.Event()
        self._lost: LostClaimError | None = None
        self._thread = threading.Thread(target=self._beat, name="heartbeat", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._ended.set()
        self._thread.join()

    def check(self) -> None:
        """Raise `LostClaimError` once another worker has taken the run over."""
        if self._lost:
            raise self._lost

    def _beat(self) -> None:
        while not self._ended.wait(self._seconds):
            try:
                self._store.beat(self._claim)
            except LostClaimError as error:
                self._lost = error
                return
            except StoreError:  # the next beat may come through; what must be written says so itself
                continue
