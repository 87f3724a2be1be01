"""Optimizers from their specs."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from bakeoff.models.anatomy import classifier_modules
from bakeoff.specs.recipe import OptimizerSpec
from bakeoff.training.adam import Adam, Adamax, AdamW
from bakeoff.training.muon import Muon

_CLASSES: dict[str, type[torch.optim.Optimizer]] = {
    "sgd": torch.optim.SGD,
    "adam": torch.optim.Adam,
    "adamw": torch.optim.AdamW,
    "adamax": torch.optim.Adamax,
    "rmsprop": torch.optim.RMSprop,
}
_ON_CPU: dict[str, type[Adam | Adamax]] = {"adam": Adam, "adamw": AdamW, "adamax": Adamax}
_NORMS = (_BatchNorm, nn.GroupNorm, nn.LayerNorm)
_FUSED = ("sgd", "adam", "adamw")
_CAPTURABLE = ("adam", "adamw", "adamax", "rmsprop")  # that count their steps on the device if they are told to


def build(
    model: nn.Module,
    spec: OptimizerSpec,
    rates: Mapping[nn.Parameter, float] | None = None,
    *,
    on_device: bool = False,
) -> torch.optim.Optimizer:
    """Return the optimizer of the model's trainable parameters.

    Biases and normalization weights form groups of their own, which weight decay leaves alone unless the spec says
    otherwise (as in timm).

    Args:
        model: whose parameters.
        spec: which optimizer.
        rates: of some parameters, the factor of the learning rate; of others it is 1.
        on_device: keep the learning rates on the device, so that a recorded step reads them anew. Not for muon.
    """
    if spec.name == "muon":
        return _muon(model, spec, rates or {})
    options: dict[str, Any] = {"lr": spec.lr}
    for field in ("momentum", "nesterov", "betas", "eps", "alpha"):
        if (value := getattr(spec, field)) is not None:
            options[field] = value
    groups = _groups(model, spec, rates or {})
    on_cpu = all(weight.device.type == "cpu" for group in groups for weight in group["params"])
    if spec.name in _ON_CPU and on_cpu and not on_device:
        return _ON_CPU[spec.name](groups, **options)
    if spec.name in _FUSED:
        options["fused"] = True
    if on_device:
        for group in groups:
            group["lr"] = torch.tensor(spec.lr, device=group["params"][0].device)
        options |= {"capturable": True} if spec.name in _CAPTURABLE else {}
    return _CLASSES[spec.name](groups, **options)


def _groups(model: nn.Module, spec: OptimizerSpec, rates: Mapping[nn.Parameter, float]) -> list[dict[str, Any]]:
    groups: dict[tuple[float, float], list[nn.Parameter]] = {}
    norms = {weight for module in model.modules() if isinstance(module, _NORMS) for weight in module.parameters()}
    for parameter in model.parameters():
        if parameter.requires_grad:
            decays = parameter.ndim > 1 or spec.decay_bias_and_norm
            factor = spec.norm_lr if spec.norm_lr and parameter in norms else 1.0
            kind = rates.get(parameter, 1.0) * factor, spec.weight_decay / factor if decays else 0.0
            groups.setdefault(kind, []).append(parameter)
    return [{"params": those, "rate": rate, "weight_decay": decay} for (rate, decay), those in groups.items()]


def _muon(model: nn.Module, spec: OptimizerSpec, rates: Mapping[nn.Parameter, float]) -> Muon:
    """Return Muon for the kernels before the classifier, with rates of their own for classifier, biases and scales."""
    assert spec.other_lr, "a spec of muon has all of its rates"
    assert spec.head_lr, "a spec of muon has all of its rates"
    classifier = {weight for module in classifier_modules(model) for weight in module.parameters(recurse=False)}
    groups: dict[tuple[bool, float], list[nn.Parameter]] = {}
    for weight in model.parameters():
        if weight.requires_grad:
            kernel = weight.ndim > 1 and weight not in classifier
            lr = spec.lr if kernel else spec.head_lr if weight.ndim > 1 else spec.other_lr
            groups.setdefault((kernel, lr * rates.get(weight, 1.0)), []).append(weight)
    return Muon(
        [
            {
                "params": weights,
                "rate": lr / spec.lr,
                "orthogonal": kernel,
                "momentum": spec.momentum if kernel else spec.other_momentum,
                "weight_decay": 0.0 if kernel else spec.weight_decay / lr,
            }
            for (kernel, lr), weights in groups.items()
        ],
        spec.lr,
    )


def set_lr(optimizer: torch.optim.Optimizer, lr: float) -> None:
    """Set the learning rate of every group, times its factor."""
    for group in optimizer.param_groups:
        if isinstance(group["lr"], Tensor):
            group["lr"].fill_(lr * group["rate"])
        else:
            group["lr"] = lr * group["rate"]
