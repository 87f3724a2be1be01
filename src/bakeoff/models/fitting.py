"""Whether weights fit a network, and putting them into it: all that are wanted, or none."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import torch
from torch import Tensor, nn

from bakeoff.errors import ModelError

SHOWN = 3  # names in a message
COLOURS = 3


class MisfitError(ModelError):
    """Weights that are not those of a network."""


@dataclass(frozen=True)
class Slot:
    """A place for one tensor of weights.

    Attributes:
        name: of layer and variable, as the weights' own layout names them.
        tensor: a view of the network's weights with the axes of that layout.
        owner: the module that has it.
    """

    name: str
    tensor: Tensor
    owner: nn.Module

    @property
    def layer(self) -> str:
        """The name without the variable."""
        return layer_of(self.name)


@dataclass(frozen=True)
class Match:
    """Which weights belong into which slot of a network.

    Attributes:
        given: the weights by names of slots; their shapes may differ.
        surplus: weights that the network has no slot for, by their own names.
        head: names of further ones that are known to be a head's.
    """

    given: Mapping[str, Tensor]
    surplus: Mapping[str, Tensor]
    head: tuple[str, ...] = ()


class Weights(Protocol):
    """What a file of weights holds, in the layout of the library that it is from."""

    def slots(self, network: nn.Module) -> list[Slot]:
        """Return the slots of a network for weights of this layout, in the order of its layers."""
        ...

    def match(self, network: nn.Module) -> Match:
        """Return which of the weights belongs into which slot of a network."""
        ...


@dataclass(frozen=True)
class Fit:
    """Weights that fit.

    Attributes:
        pairs: slots, and what belongs into them.
        fresh: layers of the classifier that the weights do not fit.
        left_out: layers of the weights that the network does not use.
        grayed: the first layer, if the weights are for colour images and the network takes gray ones; else empty.
        other_head: why the head among the weights is not the network's, where they have one; else empty.
    """

    pairs: Sequence[tuple[Slot, Tensor]]
    fresh: tuple[str, ...]
    left_out: tuple[str, ...]
    grayed: str = ""
    other_head: str = ""

    def load(self) -> None:
        """Copy the weights into the network."""
        with torch.no_grad():
            for slot, weight in self.pairs:
                slot.tensor.copy_(weight)


def fit(weights: Weights, network: nn.Module, classifier: Collection[nn.Module], whole: nn.Module) -> Fit:
    """Return how weights fit a network.

    Where the weights are for colour images and the network takes gray ones, those of the first convolution are summed
    over the colours: the same as repeating the gray image to three channels.

    Args:
        weights: of this network, or of the whole of which it is the first part.
        network: where they are to go.
        classifier: modules of the network that may do without: from the first one on that the weights do not fit.
        whole: the network up to its classifier, where `network` is a part of it; it may be on the meta device.

    Raises:
        MisfitError: if weights are missing, of another shape, not finite, or of another network.
    """
    slots = weights.slots(network)
    match, grayed = _for_gray(weights.match(whole), slots)
    needed = [slot for slot in slots if slot.owner not in classifier]
    _check_complete(needed, match)
    _check_no_strangers(match, {slot.name for slot in weights.slots(whole)})
    optional = [slot for slot in slots if slot.owner in classifier]
    fitting = next((i for i, slot in enumerate(optional) if not fits(slot, match.given)), len(optional))
    while 0 < fitting < len(optional) and optional[fitting - 1].owner is optional[fitting].owner:
        fitting -= 1  # a layer is taken whole or not at all
    pairs = [(slot, match.given[slot.name]) for slot in needed + optional[:fitting]]
    for slot, weight in pairs:
        if not weight.isfinite().all():
            raise MisfitError(f"the weights of the layer {slot.layer!r} are not finite")
    used = {slot.name for slot, _ in pairs}
    unused = [name for name in (*match.given, *match.surplus, *match.head) if name not in used]
    return Fit(pairs, _layers(slot.name for slot in optional[fitting:]), _layers(unused), grayed)


def layer_of(name: str) -> str:
    """Return the name of a layer from that of one of its variables."""
    return name.rpartition("/" if "/" in name else ".")[0] or name


def shown(names: Sequence[str]) -> str:
    """Return names for a message: the first few, and how many more there are."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(repr(name) for name in names[:SHOWN]) + more


def _for_gray(match: Match, slots: Sequence[Slot]) -> tuple[Match, str]:
    """Return the weights with those of the first convolution summed over colours, and its name, where need be."""
    stem = next((slot for slot in slots if isinstance(slot.owner, nn.Conv2d)), None)
    if stem is None or stem.name not in match.given or stem.owner.in_channels != 1:
        return match, ""
    weight = match.given[stem.name]
    for axis in range(weight.ndim):
        summed = weight.sum(axis, keepdim=True)
        if weight.shape[axis] == COLOURS and summed.shape == stem.tensor.shape:
            return replace(match, given={**match.given, stem.name: summed}), stem.layer
    return match, ""


def fits(slot: Slot, given: Mapping[str, Tensor]) -> bool:
    """Whether there is a weight of the right shape for a slot."""
    return slot.name in given and given[slot.name].shape == slot.tensor.shape


def _check_complete(needed: Sequence[Slot], match: Match) -> None:
    # Shapes first: where the first layer differs, that says more than which of the last ones are missing.
    for slot in needed:
        if slot.name in match.given and not fits(slot, match.given):
            variable = slot.name.removeprefix(slot.layer)[1:] or "weight"
            raise MisfitError(
                f"layer {slot.layer!r}: the {variable} has the shape {tuple(match.given[slot.name].shape)} in the "
                f"weights, but {tuple(slot.tensor.shape)} in the network"
            )
    missing = [slot for slot in needed if slot.name not in match.given]
    partly = {layer_of(name) for name in (*match.given, *match.surplus)}
    names = _layers(slot.name for slot in missing if slot.layer not in partly)
    if names:
        raise MisfitError(f"the weights lack the layer{'s' if len(names) > 1 else ''} {shown(names)}")
    if missing:
        raise MisfitError(f"the weights lack {shown([slot.name for slot in missing])}")


def _check_no_strangers(match: Match, slots: Collection[str]) -> None:
    """Refuse surplus weights that can be no classifier's: then these are weights of another network."""
    matched = {layer_of(name) for name in match.given}
    containers = {name.partition(".")[0] for name in slots if "/" not in name}
    strangers = [
        name
        for name, weight in match.surplus.items()
        if layer_of(name) in matched
        or name.partition(".")[0] in containers
        or (weight.ndim == 4 and layer_of(name) != "conv_preds")  # the classifier of Keras's MobileNet
    ]
    if strangers:
        names = _layers(strangers)
        raise MisfitError(f"the weights have {shown(names)} besides the layers of the network")


def _layers(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(layer_of(name) for name in names))
