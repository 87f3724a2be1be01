"""Batches of images like those of CIFAR-10, flipped, shifted and normalized: ours against a DataLoader.

    python benchmarks/input_pipeline.py [ROUNDS]

The DataLoader has torchvision's transforms, in this process and in two workers, which is what most scripts do.
"""

import sys

import numpy as np
import torch
from timing import interleave, publish
from torch.utils.data import DataLoader, Dataset
from torchvision.transforms import v2

from bakeoff.data import augment
from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Part, TrainBatches
from bakeoff.data.preprocess import Preprocess
from bakeoff.specs.recipe import AugmentSpec

IMAGES, BATCH = 10_240, 128


class Photos(Dataset[tuple[torch.Tensor, int]]):
    """The same images behind the interface of a DataLoader."""

    def __init__(self, images: torch.Tensor, labels: torch.Tensor) -> None:
        self.images, self.labels = images.permute(0, 3, 1, 2), labels
        self.transform = v2.Compose(
            [
                v2.RandomHorizontalFlip(),
                v2.RandomCrop(32, padding=4, padding_mode="reflect"),
                v2.ToDtype(torch.float32, scale=True),
                v2.Normalize([0.49, 0.48, 0.45], [0.25, 0.24, 0.26]),
            ]
        )

    def __len__(self) -> int:
        return len(self.images)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(self.images[index]), int(self.labels[index])


def main(rounds: int) -> None:
    """Time them."""
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (IMAGES, 32, 32, 3), dtype=np.uint8)
    labels = rng.integers(0, 10, IMAGES)
    cpu = torch.device("cpu")
    images = ImageSet(pixels, labels, tuple("abcdefghij"), np.zeros(IMAGES, np.int8), "", {})
    part = Part(images, np.arange(IMAGES), cpu)
    steps = augment.build([AugmentSpec(name="flip"), AugmentSpec(name="shift")])
    batches = TrainBatches(part, BATCH, steps, 0)
    prepare = Preprocess(part.shape, "dataset", part.channel_statistics(), 3, 32, cpu)
    photos = Photos(torch.from_numpy(pixels), torch.from_numpy(labels))

    def ours() -> None:
        for batch in batches.epoch(0):
            prepare(batch.images)

    def loader(workers: int) -> None:
        for _ in DataLoader(photos, BATCH, shuffle=True, num_workers=workers):
            pass

    candidates = {
        "bakeoff": ours,
        "DataLoader, in this process": lambda: loader(0),
        "DataLoader, two workers": lambda: loader(2),
    }
    publish("input_pipeline", "images/s", IMAGES, interleave(candidates, rounds))


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 5)
