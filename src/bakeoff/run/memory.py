"""The most memory that a run took."""

import resource
import sys
from pathlib import Path

import torch

from bakeoff.run.heap import give_back_freed_memory

_PROCESS = Path("/proc/self")
_FORGET_PEAK = "5"  # what the kernel takes as "the peak is what is resident now", see proc_pid_clear_refs(5)


class PeakMemory:
    """The most memory from its making on: of a GPU what tensors took, elsewhere what of the process was resident.

    Attributes:
        is_own: whether earlier peaks of the process are left out. Linux forgets them where that is permitted.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        give_back_freed_memory()  # which an earlier run needed
        if device.type == "cuda":
            torch.cuda.reset_peak_memory_stats(device)
            self.is_own = True
            return
        try:
            (_PROCESS / "clear_refs").write_text(_FORGET_PEAK)
            self.is_own = self._resident_peak() is not None
        except OSError:
            self.is_own = False

    def bytes(self) -> int:
        """Return the peak so far."""
        if self._device.type == "cuda":
            return torch.cuda.max_memory_allocated(self._device)
        if self.is_own and (peak := self._resident_peak()) is not None:
            return peak
        resident = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return resident if sys.platform == "darwin" else resident * 1024

    @staticmethod
    def _resident_peak() -> int | None:
        lines = (_PROCESS / "status").read_text().splitlines()
        return next((int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM:")), None)
