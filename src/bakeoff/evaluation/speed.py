"""How fast a network answers."""

import time

import numpy as np
import torch
from torch import Tensor, nn

from bakeoff.records.run import Timing

BATCH = 64  # of which throughput is measured
SECONDS = 0.4  # to spend on one timing, warm-up left out
MOST_PASSES, FEWEST_PASSES, WARM_UP = 50, 3, 2
LONGEST = 2.0  # seconds that the fewest passes and the warm-up may take


def measure(
    model: nn.Module, shape: tuple[int, int, int], device: torch.device, autocast: torch.autocast
) -> tuple[Timing, Timing | None]:
    """Return the latency of one image, and the throughput of a batch of 64; about a second in all.

    Timed is the network alone, in evaluation mode: from images that lie on the device to logits on the host. Where the
    passes over 64 images would take longer than `LONGEST`, the batch is smaller, which the timing tells. Where memory
    does not suffice there is no throughput.

    Args:
        model: left in the mode in which it was.
        shape: of the network's input, (channels, height, width).
        device: on which it lies.
        autocast: the precision to run in.
    """
    was_training = model.training
    model.eval()
    try:
        latency = _timed(model, _images(1, shape, device), autocast)
        batch = BATCH
        while batch > 1 and batch * latency.seconds * (FEWEST_PASSES + WARM_UP) > LONGEST:
            batch //= 2
        try:
            return latency, _timed(model, _images(batch, shape, device), autocast)
        except torch.OutOfMemoryError:
            return latency, None
    finally:
        model.train(was_training)


def _images(batch: int, shape: tuple[int, int, int], device: torch.device) -> Tensor:
    generator = torch.Generator().manual_seed(0)
    return torch.randn(batch, *shape, generator=generator).to(device, memory_format=torch.channels_last)


@torch.inference_mode()
def _timed(model: nn.Module, images: Tensor, autocast: torch.autocast) -> Timing:
    seconds: list[float] = []
    with autocast:
        for _ in range(WARM_UP):
            model(images).cpu()
        while len(seconds) < FEWEST_PASSES or (len(seconds) < MOST_PASSES and sum(seconds) < SECONDS):
            started = time.perf_counter()
            model(images).cpu()  # waits for the device
            seconds.append(time.perf_counter() - started)
    low, median, high = np.percentile(seconds, (25, 50, 75)).tolist()
    return Timing(len(images), median, low, high, len(seconds))
