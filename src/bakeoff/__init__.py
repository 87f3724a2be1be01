"""Compare image classifiers: which model to use, whether the difference is real, and what it costs.

>>> import bakeoff
>>> result = bakeoff.compare("digits", ["simcnn", "lenet5"], seeds=3)
>>> result.leaderboard()
"""

from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"
__all__ = ["Result", "compare", "declare", "load", "reproduce"]

if TYPE_CHECKING:
    from bakeoff.api import Result, compare, declare, load, reproduce


def __getattr__(name: str) -> Any:
    """Import the interface when it is first used, so that `import bakeoff` does not wait for torch."""
    if name in __all__:
        from bakeoff import api

        return getattr(api, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
