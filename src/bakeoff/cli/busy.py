"""What is said of times that were clocked on a busy machine."""

from collections.abc import Iterable

from bakeoff.cli.console import out
from bakeoff.run.busy import crowded


def print_if_busy(shares: Iterable[float | None]) -> None:
    """Print that the times above say little, if in any of these shares of a core the process was kept waiting."""
    least = min((share for share in shares if share is not None), default=None)
    if crowded(least):
        out.print(
            f"[yellow]The machine is busy[/yellow]: this process had {least:.2f} of a core, and the rest went to other "
            "programs or to waiting for a disk. The times above say little: measure again when nothing else runs."
        )
