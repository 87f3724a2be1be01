"""The energy that a run took, where the machine counts it; else, on processors, an estimate that is called one."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch

POWERCAP = Path("/sys/class/powercap")
MICRO, MILLI = 1e-6, 1e-3
WATTS = 12.0  # of a busy core of an unknown processor: Lannelongue et al. 2021 (doi:10.1002/advs.202100707), data v2


@dataclass(frozen=True)
class Counter:
    """What it reads, in joules, and after how many it starts again."""

    read: Callable[[], float]
    period: float


class EnergyMeter:
    """Joules from its making on, by the counters of the GPU (NVML), else of the processors (Intel and AMD RAPL).

    Processors without counters that may be read (since 2020 Linux reserves RAPL for root) are taken to need `WATTS` for
    every second in which a core works for this process. From 4 to 24 are usual, so that only ratios are worth much.

    RAPL counts whole processors, with everything else that runs on them, and its counters start again from 0 after some
    minutes to hours: `sample` has to be called more often than that.

    Attributes:
        source: gpu, cpu or estimate; empty where nothing is known: a GPU without `pynvml`, counters that failed.
    """

    def __init__(self, device: torch.device, powercap: Path = POWERCAP) -> None:
        on_gpu = device.type == "cuda"
        self._counters = _gpu_counters(device) if on_gpu else _cpu_counters(powercap)
        self._joules = 0.0
        self._last = self._read()
        self.source = ("gpu" if on_gpu else "cpu") if self._last else ""
        if device.type == "cpu" and not self._last:
            self._counters, self.source = [Counter(lambda: WATTS * time.process_time(), 0.0)], "estimate"
            self._last = self._read()

    def sample(self) -> None:
        """Add what was used since the last call."""
        if not self.source:
            return
        now = self._read()
        if not now:
            self.source = ""  # what is known in part is not known
            return
        for before, after, counter in zip(self._last, now, self._counters, strict=True):
            self._joules += after - before + (counter.period if after < before else 0)
        self._last = now

    def joules(self) -> float | None:
        """Return what was used so far, or None where that is not known."""
        self.sample()
        return self._joules if self.source else None

    def _read(self) -> list[float]:
        try:
            return [counter.read() for counter in self._counters]
        except Exception:  # drivers raise errors of their own
            return []


def _gpu_counters(device: torch.device) -> list[Counter]:
    try:
        import pynvml

        pynvml.nvmlInit()
        handle = pynvml.nvmlDeviceGetHandleByUUID(f"GPU-{torch.cuda.get_device_properties(device).uuid}")
    except Exception:  # not installed, or no driver
        return []
    return [Counter(lambda: pynvml.nvmlDeviceGetTotalEnergyConsumption(handle) * MILLI, 0.0)]


def _cpu_counters(powercap: Path) -> list[Counter]:
    """Return a counter per processor; its cores and memory controller, which have their own, are within it."""
    try:
        return [
            Counter(partial(_joules, folder / "energy_uj"), _joules(folder / "max_energy_range_uj"))
            for folder in sorted(powercap.glob("intel-rapl:*"))
            if folder.name.count(":") == 1
        ]
    except (OSError, ValueError):
        return []


def _joules(file: Path) -> float:
    return int(file.read_text()) * MICRO
