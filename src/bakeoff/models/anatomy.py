"""What is where in a network: its classifier, and the stages of its features."""

from collections.abc import Iterator

from torch import nn

from bakeoff.models.early_exit import EarlyExit
from bakeoff.models.stages import Classifier, Stages

# What torchvision calls the part that turns features into logits.
_TORCHVISION = ("classifier", "fc", "head", "heads")

_LISTS = (nn.Sequential, nn.ModuleList)


def classifier_names(network: nn.Module) -> tuple[str, ...]:
    """Return the paths of the modules that turn a network's features into logits.

    That is the head of a `Classifier`, the last of layers in a row, and in the networks of other libraries what they
    say themselves.
    """
    if isinstance(network, Classifier):
        return ("head",)
    if isinstance(network, nn.Sequential):
        *_, last = network._modules
        return (last,)
    declared = getattr(network, "pretrained_cfg", {}).get("classifier") or ()  # timm
    names = (declared,) if isinstance(declared, str) else tuple(declared)
    paths = {path for path, _ in network.named_modules()}
    return tuple(name for name in (*names, *_TORCHVISION[: 0 if names else None]) if name in paths)


def classifier_modules(network: nn.Module) -> set[nn.Module]:
    """Return the modules of the classifier, with all their parts."""
    return {part for name in classifier_names(network) for part in network.get_submodule(name).modules()}


def stages_of(network: nn.Module) -> list[tuple[str, nn.Module]]:
    """Return the stages that have weights, with their paths, from the image on and without the classifier.

    A stage is one of a `Stages`, and elsewhere a layer or block: lists of blocks are gone into, blocks are not.
    """
    classifier = classifier_modules(network)
    return [
        (path, stage)
        for path, stage in _unlisted(network, "")
        if stage not in classifier and any(True for _ in stage.parameters())
    ]


def _unlisted(module: nn.Module, path: str) -> Iterator[tuple[str, nn.Module]]:
    for name, child in module.named_children():
        here = f"{path}.{name}" if path else name
        if isinstance(module, EarlyExit) or (_lists_blocks(child) and not isinstance(module, Stages)):
            yield from _unlisted(child, here)
        else:
            yield here, child


def _lists_blocks(module: nn.Module) -> bool:
    if isinstance(module, Stages | EarlyExit) or type(module) in _LISTS:
        return True
    return any(type(child) in _LISTS for name, child in module.named_children() if name in ("blocks", "layers"))
