"""Results do not depend on what must not matter, and memory does not grow."""

import gc
from pathlib import Path

import numpy as np
import pytest
import torch
from tally import Tally
from torch import nn

import bakeoff
from bakeoff.models import Network, networks
from bakeoff.records.run import RunRecord
from bakeoff.study.observer import Observer

pytestmark = pytest.mark.torture

HOW = {"epochs": 1, "batch_size": 64, "amp": "off", "offline": True, "device": "cpu", "verbose": False}
MODELS = 20
WIDTH = 16_384
ALLOWED = 30e6  # bytes; the weights of a dozen of these networks are twice as much


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


def wide(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Five megabytes of weights, so that twenty of them are more than memory moves by itself."""
    inputs = in_channels * image_size**2
    return nn.Sequential(nn.Flatten(), nn.Linear(inputs, WIDTH), nn.ReLU(), nn.Linear(WIDTH, num_classes))


def living() -> int:
    """Return the bytes of all tensors that anything in Python refers to."""
    storages = (one.untyped_storage() for one in gc.get_objects() if issubclass(type(one), torch.Tensor))
    return sum({storage.data_ptr(): storage.nbytes() for storage in storages}.values())


def test_memory_is_released_between_models(tmp_path: Path, tally: Tally, monkeypatch: pytest.MonkeyPatch):
    """20 models in a row: neither the memory of the process grows nor what tensors hold of it"""
    resident: list[int] = []
    held: list[int] = []

    class Watch(Observer):
        def run_ended(self, record: RunRecord) -> None:
            assert record.state == "finished", record.error
            gc.collect()
            pages = int(Path("/proc/self/statm").read_text().split()[1])
            resident.append(pages * 4096)
            held.append(living())

    list(networks)  # so that the registry has looked for itself
    monkeypatch.setitem(networks._entries, "wide", Network(wide, 1, "a test"))
    bakeoff.compare("digits", ["wide"], seeds=MODELS, out=tmp_path / "out", observer=Watch(), **HOW)
    tally.tried = len(resident)
    growth = float(np.median(resident[-5:]) - np.median(resident[3:8]))
    tally.details |= {"bytes": growth, "bytes of tensors": held[-1] - held[3]}
    if growth > ALLOWED or held[-1] > held[3]:
        tally.failures.append(f"after {MODELS} models: {tally.details}")
