"""What a process spends once, at the first use of libraries and device: several times what a small run takes."""

from importlib import import_module

import torch
from torch.nn import functional

LIBRARIES = ("sklearn.metrics", "tensorboard.compat.proto.event_pb2", "tensorboard.summary.writer.record_writer")


def start_up(device: torch.device) -> None:
    """Load what runs use and nothing before them does; quick from the second time on.

    Torch loads its compiler, for seconds, when the first optimizer is made, and a GPU's libraries get ready at the
    first convolution. Hence a training in small, of a single weight.
    """
    for library in LIBRARIES:
        import_module(library)
    weight = torch.ones(1, 1, 1, 1, device=device, requires_grad=True)
    functional.conv2d(weight, weight).sum().backward()  # type: ignore[no-untyped-call]
    torch.optim.SGD([weight], lr=0.0).step()
