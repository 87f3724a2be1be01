"""Compare image classifiers: which model to use, whether the difference is real, and what it costs.

>>> import bakeoff
>>> result = bakeoff.compare("digits", ["simcnn", "lenet5"], seeds=3)
>>> result.leaderboard()
"""

import os
from typing import TYPE_CHECKING, Any

# Threads of OpenMP wait for each other by spinning, for so long that other work on the same cores slows training down
# twenty times (`docs/lab-log.md`). It is read when torch is loaded.
os.environ.setdefault("GOMP_SPINCOUNT", "20000")

__version__ = "0.1.0"
__all__ = ["Result", "check", "compare", "confirm", "declare", "load", "reproduce"]

if TYPE_CHECKING:
    from bakeoff.api import Result, check, compare, confirm, declare, load, reproduce


def __getattr__(name: str) -> Any:
    """Import the interface when it is first used, so that `import bakeoff` does not wait for torch."""
    if name in __all__:
        from bakeoff import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    """Name the interface before it is imported, for completion."""
    return sorted({*globals(), *__all__})
