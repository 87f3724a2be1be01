"""What a run takes: its memory and energy."""

import mmap
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch

from bakeoff.run import energy, memory
from bakeoff.run.energy import EnergyMeter
from bakeoff.run.memory import PeakMemory

CPU = torch.device("cpu")
MB = 1 << 20
LOADED = """
import sys
import bakeoff
from bakeoff.run import run_one


class Watching(run_one.Meter):
    def __init__(self, device):
        super().__init__(device)
        self.before = set(sys.modules)

    def cost(self, *about):
        print("loaded:", *sorted(set(sys.modules) - self.before))
        return super().cost(*about)


run_one.Meter = Watching
bakeoff.compare("digits", "lenet5", epochs=1, seeds=1, device="cpu", offline=True, out=sys.argv[1])
"""


def _fill(megabytes: int) -> None:
    """Take so much memory, and give it back at once."""
    with mmap.mmap(-1, megabytes * MB) as block:
        block[:] = b"\1" * len(block)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux forgets peaks")
def test_the_peak_is_the_run_s_own_and_not_that_of_the_process():
    _fill(400)  # an earlier run
    peak = PeakMemory(CPU)
    if not peak.is_own:
        pytest.skip("the kernel does not permit it")
    before = peak.bytes()
    _fill(100)  # with the copy, 200
    assert 180 * MB < peak.bytes() - before < 380 * MB


def test_where_peaks_are_not_forgotten_the_record_says_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setattr(memory, "_PROCESS", tmp_path / "missing")
    peak = PeakMemory(CPU)
    assert not peak.is_own
    assert peak.bytes() > 10 * MB


def _processor(folder: Path, name: str, joules: float, period: float = 1000) -> Path:
    (folder / name).mkdir(parents=True)
    (folder / name / "energy_uj").write_text(f"{int(joules * 1e6)}\n")
    (folder / name / "max_energy_range_uj").write_text(f"{int(period * 1e6)}\n")
    return folder / name / "energy_uj"


def test_the_counters_of_processors_add_up_and_start_again(tmp_path: Path):
    one, two = _processor(tmp_path, "intel-rapl:0", 100), _processor(tmp_path, "intel-rapl:1", 990)
    _processor(tmp_path, "intel-rapl:0:0", 5)  # the cores of processor 0, within it
    meter = EnergyMeter(CPU, tmp_path)
    one.write_text("130000000")
    two.write_text("15000000")  # started again at 1000
    meter.sample()
    two.write_text("20000000")
    assert meter.joules() == pytest.approx(30 + 25 + 5)
    assert meter.source == "cpu"


def test_what_is_not_told_is_not_made_up(tmp_path: Path):
    counter = _processor(tmp_path, "intel-rapl:0", 100)
    meter = EnergyMeter(CPU, tmp_path)
    counter.write_text("no number")
    assert (meter.joules(), meter.source) == (None, "")
    counter.write_text("200000000")
    assert meter.joules() is None, "a part is not the whole"


def test_without_counters_work_is_estimated_and_called_so(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    worked = iter((10.0, 10.5, 13.0))
    monkeypatch.setattr(energy.time, "process_time", lambda: next(worked))
    meter = EnergyMeter(CPU, tmp_path / "missing")
    meter.sample()
    assert (meter.joules(), meter.source) == (pytest.approx(3 * 12), "estimate")
    meter = EnergyMeter(torch.device("cuda:0"), tmp_path / "missing")
    assert (meter.joules(), meter.source) == (None, ""), "nothing is known of a GPU's work"


def test_a_gpu_is_asked_by_its_identity(monkeypatch: pytest.MonkeyPatch):
    used = iter((5_000, 12_500))
    nvml = SimpleNamespace(
        nvmlInit=lambda: None,
        nvmlDeviceGetHandleByUUID=lambda name: name,
        nvmlDeviceGetTotalEnergyConsumption=lambda handle: next(used) if handle == "GPU-abc" else None,
    )
    monkeypatch.setitem(sys.modules, "pynvml", nvml)
    monkeypatch.setattr(energy.torch.cuda, "get_device_properties", lambda _: SimpleNamespace(uuid="abc"))
    meter = EnergyMeter(torch.device("cuda:0"))
    assert (meter.joules(), meter.source) == (7.5, "gpu")


def test_the_first_run_of_a_process_is_not_charged_with_loading_libraries(tmp_path: Path):
    environment = {**os.environ, "BAKEOFF_CACHE": str(tmp_path / "cache")}
    command = [sys.executable, "-c", LOADED, str(tmp_path / "out")]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    (line,) = (line for line in done.stdout.splitlines() if line.startswith("loaded:"))
    assert [module for module in line.split()[1:] if not module.startswith("bakeoff.")] == []
