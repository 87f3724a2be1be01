"""Timings of forward passes. Nothing is asserted of how long they take."""

import time

import torch
from torch import Tensor, nn

from bakeoff.evaluation import speed

CPU = torch.device("cpu")


class Watched(nn.Module):
    """Says how it was called, and sleeps so long for each image."""

    def __init__(self, seconds: float = 0.0, most: int = 1000) -> None:
        super().__init__()
        self.layer = nn.Sequential(nn.Flatten(), nn.Linear(12, 2), nn.BatchNorm1d(2))
        self.seconds, self.most = seconds, most
        self.calls: list[int] = []

    def forward(self, x: Tensor) -> Tensor:
        assert not self.training
        assert not torch.is_grad_enabled()
        self.calls.append(len(x))
        if len(x) > self.most:
            raise torch.OutOfMemoryError("out of memory")
        time.sleep(self.seconds * len(x))
        return self.layer(x)


def _measure(network: nn.Module):
    return speed.measure(network, (3, 2, 2), CPU, torch.autocast("cpu", enabled=False))


def test_one_image_and_64_are_timed_after_a_warm_up():
    network = Watched().train()
    latency, throughput = _measure(network)
    assert (latency.batch, throughput.batch) == (1, 64)
    for timing in (latency, throughput):
        assert 0 < timing.low <= timing.seconds <= timing.high
        assert network.calls.count(timing.batch) == timing.passes + speed.WARM_UP
    assert throughput.images_per_second == 64 / throughput.seconds
    assert network.training
    assert network.layer[2].num_batches_tracked == 0


def test_a_slow_network_is_timed_on_a_smaller_batch():
    network = Watched(seconds=0.03)
    _, throughput = _measure(network)
    assert 1 < throughput.batch < 64
    assert throughput.passes >= speed.FEWEST_PASSES
    assert sum(network.calls[-throughput.passes :]) * 0.03 < speed.LONGEST


def test_without_memory_there_is_a_latency_and_no_throughput():
    network = Watched(most=32).train()
    latency, throughput = _measure(network)
    assert latency.passes > 0
    assert throughput is None
    assert network.training
