"""Engines: ways to compute the same step, of which one is faster than another on a device."""

import torch
from torch import nn

from bakeoff.errors import SpecError
from bakeoff.training.lean import lean


def resolve_engine(engine: str, device: torch.device) -> str:
    """Return "eager", "lean", "compile" or "graph" for a recipe's `engine`; `auto` is lean on a CPU, eager elsewhere.

    Raises:
        SpecError: the device has no such engine.
    """
    if engine == "graph" and device.type != "cuda":
        raise SpecError(f"engine 'graph' replays steps on a CUDA GPU, and the device is {device}; choose auto or eager")
    if engine == "auto":
        return "lean" if device.type == "cpu" else "eager"
    return engine


def make_ready(model: nn.Module, engine: str) -> nn.Module:
    """Change a network in place into what a resolved engine runs, and return it."""
    if engine == "lean":
        return lean(model)
    if engine == "compile":
        model.compile()
    return model
