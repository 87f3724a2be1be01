"""What a process spends once, at the first use of libraries and device: several times what a small run takes."""

from importlib import import_module

import torch
from torch import nn

from bakeoff.specs.recipe import Recipe
from bakeoff.training import optimizers
from bakeoff.training.recorded import LEAST_STEPS

LIBRARIES = ("sklearn.metrics", "tensorboard.compat.proto.event_pb2", "tensorboard.summary.writer.record_writer")


def start_up(device: torch.device, recipe: Recipe, images: int) -> None:
    """Load what a run uses and nothing before it does; quick from the second time on.

    Torch loads its compiler, which is slow, for its own optimizers and where passes are recorded, and a GPU's libraries
    get ready at the first convolution. Hence a training in small, of a single weight.

    Args:
        device: to train on.
        recipe: a resolved one.
        images: to train on.
    """
    for library in LIBRARIES:
        import_module(library)
    if recipe.engine == "lean" and recipe.total_steps(-(-images // recipe.batch_size)) >= LEAST_STEPS:
        import_module("torch._dynamo")
    layer = nn.utils.skip_init(nn.Conv2d, 1, 1, 1, bias=False, device=device)  # type: ignore[no-untyped-call]
    optimizer = optimizers.build(layer, recipe.optimizer, on_device=recipe.engine == "graph")
    layer(torch.zeros(1, 1, 1, 1, device=device)).sum().backward()
    optimizer.step()
