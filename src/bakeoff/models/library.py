"""Any network by name: registered here, or a model of timm or torchvision."""

from fnmatch import fnmatchcase
from functools import cache
from typing import Any

import torch
from torch import nn

from bakeoff.errors import ModelError, UnknownNameError
from bakeoff.models import Network, foreign, networks, transfer
from bakeoff.models.options import check_options
from bakeoff.specs.model import ModelSpec

# Sides in pixels at which a foreign network is tried: the multiples that patches and windows need, and usual inputs.
_SIZES = (
    *(8, 16, 24, 28, 32, 40, 48, 56, 64, 75, 80, 96, 112, 128, 144, 160, 176, 192, 208),
    *(224, 240, 256, 288, 299, 320, 331, 336, 384, 408, 448, 512, 768, 1024),
)


def find(name: str) -> Network:
    """Return a network by name, as `origin` explains it.

    Raises:
        UnknownNameError: if there is no such network, with the nearest names.
    """
    library, bare = origin(name)
    return foreign.network(library, bare) if library else networks.get(bare)


def origin(name: str) -> tuple[str, str]:
    """Return the library that a network is from, which is empty for one registered here, and its name there.

    Args:
        name: a registered name; `timm:NAME` or `torchvision:NAME`; or a bare name, which is looked for among the
            registered ones, then in timm, then in torchvision. timm's names may have a tag, as in `resnet50.a1_in1k`.

    Raises:
        UnknownNameError: if there is no such network, with the nearest names.
    """
    if name in networks:
        return "", name
    prefix, colon, bare = name.rpartition(":")
    for library in [prefix] if colon else foreign.LIBRARIES:
        if library in foreign.LIBRARIES and bare in foreign.LIBRARIES[library].names():
            return library, bare
    raise UnknownNameError("model", name, _names_like(name))


def expand(pattern: str) -> list[str]:
    """Return the names that fit a shell pattern: registered ones, or a library's with its prefix, as in `timm:vit_*`.

    timm's tags, which tell weights of one network apart, are listed only if the pattern has a dot.

    Raises:
        UnknownNameError: if the pattern, or a name that is not a pattern, fits nothing.
    """
    if not any(character in pattern for character in "*?["):
        find(pattern)
        return [pattern]
    prefix, colon, bare = pattern.rpartition(":")
    if not colon:
        names = networks.match(pattern)
    elif prefix in foreign.LIBRARIES:
        untagged = (name for name in foreign.LIBRARIES[prefix].names() if "." in bare or "." not in name)
        names = [f"{prefix}:{name}" for name in untagged if fnmatchcase(name, bare)]
    else:
        names = []
    if not names:
        raise UnknownNameError("model", pattern, _names_like(pattern) if colon else networks)
    return names


def build(spec: ModelSpec, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Return a network with freshly drawn weights, from torch's default generator.

    Where the spec has a tap, a pooling or a head, the network is a backbone in a `Classifier` with that head.

    Args:
        spec: which network, with its options. Its own image size is not looked at.
        num_classes: number of logits.
        in_channels: channels of the images.
        image_size: height and width of the images in pixels.

    Raises:
        UnknownNameError: if there is no such network.
        SpecError: if the network has no such option, or not of that type or value, or no such tap.
        ModelError: if the network cannot take such images.
    """
    network = find(spec.name)
    check_options(spec.name, network.build, spec.options)
    if network.min_size is not None and image_size < network.min_size:
        raise ModelError(f"{spec.name} cannot take images of {image_size} pixels; give it at least {network.min_size}")
    model = network.build(num_classes, in_channels, image_size, **spec.options)
    return transfer.with_head(model, spec, num_classes, in_channels, image_size) if spec.is_backbone else model


def check(spec: ModelSpec) -> None:
    """Check tap, pooling, head and what is frozen against a spec's network, without drawing any weights.

    Raises:
        SpecError: the network has no such tap, its features cannot be pooled so, or there is nothing of what is to be
            frozen, or nothing else.
    """
    if spec.is_backbone or spec.freeze != "none":
        size = smallest_input(spec, 2, 3, spec.image_size or 32)
        transfer.freeze(_undrawn(spec, 2, 3, size), spec.freeze)


def outline(spec: ModelSpec, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Return the whole network of a spec, without its tap, pooling or head, and drawing no random numbers.

    Its weights have shapes but no values, except where its builder needs values.

    Raises:
        UnknownNameError, SpecError, ModelError: as `build` does.
    """
    whole = spec.model_copy(update={"tap": None, "pool": None, "head": None})
    return _undrawn(whole, num_classes, in_channels, image_size)


def _undrawn(spec: ModelSpec, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
    """Return what `build` does, on the meta device where that can be."""
    try:
        with torch.device("meta"):
            return build(spec, num_classes, in_channels, image_size)
    except ModelError as error:
        if not isinstance(error.__cause__, NotImplementedError):
            raise
    with torch.random.fork_rng(devices=[]):  # a network whose builder computes with tensors needs their values
        return build(spec, num_classes, in_channels, image_size)


def smallest_input(spec: ModelSpec, num_classes: int, in_channels: int, wanted: int = 1) -> int:
    """Return the smallest side in pixels, from `wanted` on, that a network takes.

    For the networks of other libraries it is found by trial, without drawing any weights.

    Raises:
        UnknownNameError, SpecError: as `build` does.
        ModelError: if the network takes no such images up to 1024 pixels.
    """
    network = find(spec.name)
    check_options(spec.name, network.build, spec.options)
    if network.min_size is not None:
        return max(network.min_size, wanted)
    return _first_size(spec.name, tuple(sorted(spec.options.items())), num_classes, in_channels, wanted)


@cache
def _first_size(
    name: str, options: tuple[tuple[str, Any], ...], num_classes: int, in_channels: int, wanted: int
) -> int:
    failure = None
    for size in (wanted, *(size for size in _SIZES if size > wanted)):
        try:
            outline(ModelSpec(name=name, options=dict(options)), num_classes, in_channels, size)
        except ModelError as error:
            failure = failure or error
        else:
            return size
    raise ModelError(f"{failure}; larger ones fail too, up to {_SIZES[-1]} pixels") from failure


def _names_like(name: str) -> list[str]:
    """Return the names that somebody who gave this unknown one may have meant."""
    prefix, colon, bare = name.rpartition(":")
    if not colon:
        return [*networks, *(name for library in foreign.LIBRARIES.values() for name in library.names())]
    if prefix in foreign.LIBRARIES:
        return [f"{prefix}:{name}" for name in foreign.LIBRARIES[prefix].names()]
    return [f"{library}:{bare}" for library in foreign.LIBRARIES]
