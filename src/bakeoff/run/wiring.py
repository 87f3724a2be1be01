"""The parts of a run, put together from its spec."""

from dataclasses import dataclass

import torch
from torch import nn

from bakeoff.data import augment
from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Part, Preprocess, TrainBatches, mix_seed
from bakeoff.data.splits import Split
from bakeoff.models.library import build
from bakeoff.specs.run import RunSpec
from bakeoff.training.precision import Precision


@dataclass(frozen=True)
class Parts:
    """What a run trains with. The test images are not among it."""

    model: nn.Module
    train: Part
    val: Part
    batches: TrainBatches
    prepare: Preprocess
    precision: Precision


def wire(spec: RunSpec, images: ImageSet, split: Split, device: torch.device) -> Parts:
    """Return the parts of a resolved run, the model with the weights that the run's seed draws.

    Torch's default generator is seeded on the way; the caller keeps it from leaking.
    """
    assert spec.model.image_size is not None, "a resolved spec has a size"
    train, val = Part(images, split.train, device), Part(images, split.val, device)
    statistics = train.channel_statistics()
    channels = images.channels
    prepare = Preprocess(train.shape, spec.recipe.normalize, statistics, channels, spec.model.image_size, device)
    torch.manual_seed(mix_seed(spec.seed, 0))
    model = build(spec.model, images.num_classes, channels, spec.model.image_size)
    model = model.to(device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    batches = TrainBatches(train, spec.recipe.batch_size, augment.build(spec.recipe.augment), spec.seed)
    return Parts(model, train, val, batches, prepare, Precision(spec.recipe.amp, device))
