"""The product's input pipeline: batches of bytes flipped, shifted and normalized whole, with no worker processes."""

import numpy as np
import torch
from rounds import Rounds

import bakeoff
from bakeoff.data import augment
from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Part, TrainBatches
from bakeoff.data.preprocess import Preprocess
from bakeoff.specs.recipe import AugmentSpec

CPU = torch.device("cpu")


def main() -> None:
    """Go through all images, flipped, cropped and normalized, when told to."""
    rounds = Rounds()
    task = rounds.task
    with np.load(task["data"]) as file:
        pixels, labels = file["x_train"], file["y_train"].astype(np.int64)
    rows = np.arange(len(pixels))
    part = Part(ImageSet(pixels, labels, tuple("abcdefghij"), {"train": rows}, {}, ""), rows, CPU)
    batches = TrainBatches(part, task["batch"], augment.build([AugmentSpec(name="flip"), AugmentSpec(name="shift")]), 0)
    prepare = Preprocess(part.shape, "dataset", part.channel_statistics(), 3, 32, CPU)
    does = "whole batches of bytes, flipped, shifted and normalized in one process"
    rounds.wait(does=does, bakeoff=bakeoff.__version__, torch=torch.__version__)
    for epoch in range(task["rounds"]):
        for batch in batches.epoch(epoch):
            prepare(batch.images)
        rounds.done()
    rounds.finish()


if __name__ == "__main__":
    main()
