"""Results do not depend on what must not matter, and memory does not grow."""

import gc
from pathlib import Path

import numpy as np
import pytest
import torch
from tally import Tally

import bakeoff
from bakeoff.records.run import RunRecord
from bakeoff.study.execute import Observer

pytestmark = pytest.mark.torture

HOW = {"epochs": 1, "batch_size": 64, "amp": "off", "offline": True, "device": "cpu", "verbose": False}
MODELS = 20
ALLOWED = 30e6  # bytes; a simcnn with its optimizer and activations for a batch takes about as much


def test_the_number_of_threads_changes_results_by_rounding_alone(tmp_path: Path, tally: Tally):
    """another number of threads: the same logits, to rounding"""
    threads = torch.get_num_threads()
    found = []
    try:
        for count in (1, 2, 4):
            torch.set_num_threads(count)
            result = bakeoff.compare("digits", ["lenet5", "simcnn"], seeds=1, out=tmp_path / str(count), **HOW)
            found.append([result.predictions(run).logits for run in result.runs])
    finally:
        torch.set_num_threads(threads)
    for other in found[1:]:
        for one, two in zip(found[0], other, strict=True):
            tally.tried += 1
            if not np.allclose(one, two, rtol=1e-3, atol=1e-3):
                tally.failures.append(f"logits differ by {np.abs(one - two).max():.2g}")


def test_memory_is_released_between_models(tmp_path: Path, tally: Tally):
    """20 models in a row: the memory of the process does not grow"""
    resident: list[int] = []

    class Watch(Observer):
        def run_ended(self, record: RunRecord) -> None:
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            resident.append(pages * 4096)

    bakeoff.compare("digits", ["simcnn"], seeds=MODELS, out=tmp_path / "out", observer=Watch(), **HOW)
    tally.tried = len(resident)
    growth = np.median(resident[-5:]) - np.median(resident[3:8])
    tally.details["bytes"] = float(growth)
    if growth > ALLOWED:
        tally.failures.append(f"{growth / 1e6:.0f} MB more after {MODELS} models than after {MODELS // 4}")
