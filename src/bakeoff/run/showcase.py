"""What engines make of three small networks on this machine."""

from collections.abc import Iterator

import numpy as np
import torch

from bakeoff.data.imageset import ImageSet
from bakeoff.data.splits import split
from bakeoff.run.fastest import CANDIDATES, speeds
from bakeoff.run.resolve import resolve
from bakeoff.specs.run import RunSpec

NETWORKS = {"simcnn": 32, "leaky-cnn-deep": 32, "vgg-small": 128}  # with the batch sizes of their documents
IMAGES = 1000


def showcase(device: torch.device) -> Iterator[tuple[str, int, dict[str, float]]]:
    """Yield networks, batch sizes, and the median seconds of a step by engine, on images of the size of CIFAR's."""
    random = np.random.default_rng(0)
    pixels, labels = random.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8), np.arange(IMAGES) % 10
    images = ImageSet(pixels, labels, tuple("abcdefghij"), {"train": np.arange(IMAGES)}, {}, "random")
    for network, batch_size in NETWORKS.items():
        recipe = {"batch_size": batch_size, "optimizer": "adam"}
        content = {"data": "random", "model": network, "recipe": recipe, "protocol": {}, "seed": 0}
        asked = RunSpec.parse(content)
        parts = split(images, asked.data, asked.protocol)
        planned = resolve(asked, images, parts, device)
        yield (
            network,
            batch_size,
            speeds(planned, images, parts, device, CANDIDATES.get(device.type, ("eager", "lean"))),
        )
