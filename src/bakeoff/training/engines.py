"""Engines: ways to compute the same step, of which one is faster than another on a device."""

import torch
from torch import nn

from bakeoff.training.lean import lean


def resolve_engine(engine: str, device: torch.device) -> str:
    """Return "eager", "lean" or "compile" for a recipe's `engine`; `auto` is lean on a CPU, and eager elsewhere.

    It is a rule and no measurement, so that equal runs on equal machines give equal weights.
    """
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
