"""Optimizers from their specs."""

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


def build(model: nn.Module, spec: OptimizerSpec) -> torch.optim.Optimizer:
    """Return the optimizer of the model's trainable parameters.

    Biases and normalization weights form a group of their own, which weight decay leaves alone unless the spec says
    otherwise (as in timm).
    """
    options: dict[str, Any] = {"lr": spec.lr}
    for field in ("momentum", "nesterov", "betas", "eps", "alpha"):
        if (value := getattr(spec, field)) is not None:
            options[field] = value
    if spec.name in _FUSED:
        options["fused"] = True
    return _CLASSES[spec.name](_groups(model, spec), **options)


def _groups(model: nn.Module, spec: OptimizerSpec) -> list[dict[str, Any]]:
    parameters = [p for p in model.parameters() if p.requires_grad]
    if spec.decay_bias_and_norm or not spec.weight_decay:
        return [{"params": parameters, "weight_decay": spec.weight_decay}]
    decayed = [p for p in parameters if p.ndim > 1]
    others = [p for p in parameters if p.ndim <= 1]
    groups = [{"params": decayed, "weight_decay": spec.weight_decay}, {"params": others, "weight_decay": 0.0}]
    return [group for group in groups if group["params"]]


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of every group."""
    for group in optimizer.param_groups:
        group["lr"] = lr
