"""Networks as backbones: tapped, with a head of ours, and partly frozen."""

import re
from difflib import get_close_matches
from fnmatch import fnmatchcase

from torch import nn

from bakeoff.errors import SpecError
from bakeoff.models import early_exit
from bakeoff.models.anatomy import classifier_modules, classifier_names, stages_of
from bakeoff.models.heads import build_head
from bakeoff.models.stages import Classifier, Stages
from bakeoff.specs.model import ModelSpec

SHOWN = 8  # names in a message


def with_head(network: nn.Module, spec: ModelSpec, num_classes: int, in_channels: int, image_size: int) -> Classifier:
    """Return a network as a backbone up to the spec's tap, with the head of the spec.

    Args:
        network: as its builder makes it; its layers are used, those behind the tap are not.
        spec: gives tap, pool and head.
        num_classes: number of logits.
        in_channels: channels of the images.
        image_size: height and width of the images in pixels.

    Raises:
        SpecError: if there is no such tap, or its features cannot be pooled so.
        ModelError: if the tap gives no tensor of features, or nothing is left of such small images there.
    """
    if spec.tap is not None and spec.tap not in (names := taps(network, in_channels, image_size)):
        raise SpecError(
            f"{spec.name} has no tap {spec.tap!r}; {_choices(spec.tap, names)} (bakeoff models {spec.name} --summary "
            "lists them all)"
        )
    backbone, shape, prefix = _backbone(network, spec.tap, in_channels, image_size)
    return Classifier(backbone, build_head(shape, prefix, spec.pool, spec.head or (), num_classes))


def taps(network: nn.Module, in_channels: int, image_size: int) -> list[str]:
    """Return what a network can be tapped at, from the image on; the last is where it is tapped by default.

    These are the stages of a network on `Stages`, the layers of one in a row but for the one that classifies, and in
    the networks of other libraries, whose default has no name, all modules that give a tensor.
    """
    stages = feature_stages(network)
    return stages.names if stages else early_exit.taps(network, in_channels, image_size)


def freeze(model: nn.Module, rule: str) -> None:
    """Decide which weights are trained, by setting `requires_grad` of all.

    Args:
        model: a network, with a head of ours or its own.
        rule: none; backbone, which is all but the head or classifier; all-but-last-N, which leaves the last N stages
            of the backbone that have weights trainable as well; or a shell pattern of weight names to freeze.

    Raises:
        SpecError: if there is no such rule, it fits no weight, or it leaves none to train.
    """
    frozen = _frozen(model, rule)
    for name, weight in model.named_parameters():
        weight.requires_grad_(name not in frozen)
    if not any(weight.requires_grad for weight in model.parameters()):
        raise SpecError(f"freeze: {rule!r} leaves no weight to train; give 'backbone' or a narrower pattern")


def training_mode(model: nn.Module) -> None:
    """Put a model in training mode, but for what is frozen: it keeps its statistics, and drops nothing out.

    That is every module that has weights, all of them frozen, with all of its parts.
    """
    model.train()
    for module in model.modules():
        weights = list(module.parameters())
        if weights and not any(weight.requires_grad for weight in weights):
            module.eval()


def feature_stages(network: nn.Module) -> Stages | None:
    """Return what of a network gives its features, in stages; None for the networks of other libraries."""
    if isinstance(network, Classifier):
        assert isinstance(network.backbone, Stages), "a network is tapped once"
        return network.backbone
    if isinstance(network, nn.Sequential):
        return Stages(dict(list(network.named_children())[:-1]))
    return None


def _backbone(
    network: nn.Module, tap: str | None, in_channels: int, image_size: int
) -> tuple[nn.Module, tuple[int, ...], int]:
    """Return the backbone, the shape of its features, and how many tokens are none of the image."""
    if stages := feature_stages(network):
        tap = tap or stages.names[-1]
        return stages.up_to(tap), stages.feature_shape(tap, image_size), 0
    classifier, *_ = classifier_names(network)
    backbone = early_exit.EarlyExit(network, tap, classifier, in_channels, image_size)
    return backbone, backbone.feature_shape, backbone.prefix_tokens


def _frozen(model: nn.Module, rule: str) -> set[str]:
    """Return the names of the weights that a rule freezes."""
    names = [name for name, _ in model.named_parameters()]
    if rule == "none":
        return set()
    if rule == "backbone" or re.fullmatch(r"all-but-last-\d+", rule):
        free = classifier_modules(model)
        for _, stage in _last_stages(model, rule):
            free |= set(stage.modules())
        trained = {id(weight) for module in free for weight in module.parameters(recurse=False)}
        return {name for name, weight in model.named_parameters() if id(weight) not in trained}
    frozen = {name for name in names if fnmatchcase(name, rule)}
    if not frozen:
        raise SpecError(
            f"freeze: {rule!r} is not none, backbone or all-but-last-N, and fits no weight; {_choices(rule, names)}"
        )
    return frozen


def _last_stages(model: nn.Module, rule: str) -> list[tuple[str, nn.Module]]:
    stages = stages_of(model)
    count = 0 if rule == "backbone" else int(rule.rpartition("-")[2])
    if count > len(stages):
        raise SpecError(f"freeze: {rule!r} has more stages than the backbone's {len(stages)}; give fewer, or none")
    return stages[len(stages) - count :]


def _choices(name: str, known: list[str]) -> str:
    """Return names as the end of a sentence: all of a few, else the nearest ones."""
    if len(known) <= SHOWN:
        return f"choose from {', '.join(known)}"
    near = get_close_matches(name, known, n=SHOWN, cutoff=0)
    return f"of its {len(known)} the nearest are {', '.join(near)}"
