"""What engines make of three small networks on this machine."""

from collections.abc import Iterator

import numpy as np
import torch

from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import split
from bakeoff.run.busy import Awake
from bakeoff.run.fastest import CANDIDATES, speeds
from bakeoff.run.resolve import resolve
from bakeoff.run.start_up import start_up
from bakeoff.specs.run import RunSpec

NETWORKS = {"simcnn": 32, "leaky-cnn-deep": 32, "vgg-small": 128}  # with the batch sizes of their documents
IMAGES = 1000


def showcase(device: torch.device) -> Iterator[tuple[str, int, dict[str, float], float | None]]:
    """Yield networks, batch sizes, the median seconds of a step by engine, and the share of a core meanwhile.

    Images are of the size of CIFAR's. On the share of a core see `bakeoff.run.busy`.
    """
    random = np.random.default_rng(0)
    pixels, labels = random.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8), np.arange(IMAGES) % 10
    images = ImageSet(pixels, labels, tuple("abcdefghij"), {"train": np.arange(IMAGES)}, {}, "random")
    for network, batch_size in NETWORKS.items():
        recipe = {"batch_size": batch_size, "optimizer": "adam"}
        content = {"data": "random", "model": network, "recipe": recipe, "protocol": {}, "seed": 0}
        asked = RunSpec.parse(content)
        parts = split(images, asked.data, asked.protocol)
        planned = resolve(asked, images, parts, device)
        start_up(device, planned.spec.recipe, len(parts.train))  # which may wait for a disk
        awake = Awake(device)
        seconds = speeds(planned, images, parts, device, CANDIDATES.get(device.type, ("eager", "lean")))
        yield network, batch_size, seconds, awake.share()
