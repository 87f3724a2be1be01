"""Optimizers from their specs."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from bakeoff.specs.recipe import OptimizerSpec

_CLASSES: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adamax": torch.optim.Adamax,
    "rmsprop": torch.optim.RMSprop,
}
_FUSED = ("sgd", "adam", "adamw")


def build(
    model: nn.Module, spec: OptimizerSpec, rates: Mapping[nn.Parameter, float] | None = None
) -> torch.optim.Optimizer:
    """Return the optimizer of the model's trainable parameters.

    Biases and normalization weights form groups of their own, which weight decay leaves alone unless the spec says
    otherwise (as in timm).

    Args:
        model: whose parameters.
        spec: which optimizer.
        rates: of some parameters, the factor of the learning rate; of others it is 1.
    """
    options: dict[str, Any] = {"lr": spec.lr}
    for field in ("momentum", "nesterov", "betas", "eps", "alpha"):
        if (value := getattr(spec, field)) is not None:
            options[field] = value
    if spec.name in _FUSED:
        options["fused"] = True
    return _CLASSES[spec.name](_groups(model, spec, rates or {}), **options)


def _groups(model: nn.Module, spec: OptimizerSpec, rates: Mapping[nn.Parameter, float]) -> list[dict[str, Any]]:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    for parameter in model.parameters():
        if parameter.requires_grad:
            decays = parameter.ndim > 1 or spec.decay_bias_and_norm
            kind = rates.get(parameter, 1.0), spec.weight_decay if decays else 0.0
            groups.setdefault(kind, []).append(parameter)
    return [{"params": those, "rate": rate, "weight_decay": decay} for (rate, decay), those in groups.items()]


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of every group, times its factor."""
    for group in optimizer.param_groups:
        group["lr"] = lr * group["rate"]
