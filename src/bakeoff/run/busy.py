"""Whether other programs kept the machine busy while this one clocked itself."""

import time

import torch

CROWDED = 0.8  # of a core for this process, below which the machine is busy with something else


class Awake:
    """Watches from its making on how much of the processor this process has.

    Args:
        device: that computes what is clocked.
    """

    def __init__(self, device: torch.device) -> None:
        self._on_cpu = device.type == "cpu"
        self._started, self._used = time.perf_counter(), time.process_time()

    def share(self) -> float | None:
        """Return the seconds of processor time for each second that passed, over all threads.

        Below 1 the process was waiting for a core. None on a device that computes for itself.
        """
        if not self._on_cpu:
            return None
        return (time.process_time() - self._used) / (time.perf_counter() - self._started)


def crowded(awake: float | None) -> bool:
    """Whether others kept the processor so busy that what was clocked meanwhile says little."""
    return awake is not None and awake < CROWDED
