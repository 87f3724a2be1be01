"""Networks: one file per family, each registering the networks it can build."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Protocol

from torch import nn

from bakeoff.registry import Registry


class Builder(Protocol):
    """Builds a network with freshly drawn weights; further keyword arguments with defaults are its options."""

    __doc__: str | None

    def __call__(self, num_classes: int, in_channels: int, image_size: int) -> nn.Module:
        """Return a network from normalized images to logits.

        Images have the shape (batch, in_channels, image_size, image_size), logits (batch, num_classes). Weights are
        drawn from torch's default generator, which the caller seeds.
        """
        ...


@dataclass(frozen=True)
class Network:
    """A network that can be built.

    Attributes:
        build: see `Builder`.
        min_size: smallest side of the input in pixels that the network can take; None where only a trial can tell,
            as `library.smallest_input` makes one.
        source: the paper or document that the network is from.
    """

    build: Builder
    min_size: int | None
    source: str

    @property
    def summary(self) -> str:
        """The first line of the builder's docstring."""
        return (self.build.__doc__ or "").strip().partition("\n")[0]

    @property
    def options(self) -> dict[str, Any]:
        """The names of the options, with their defaults."""
        parameters = inspect.signature(self.build).parameters.values()
        return {p.name: p.default for p in parameters if p.default is not inspect.Parameter.empty}


networks: Registry[Network] = Registry("model", __name__)


def network(name: str, *, min_size: int, source: str) -> Callable[[Builder], Builder]:
    """Return a decorator that registers a builder as a network."""

    def add(build: Builder) -> Builder:
        networks.register(name)(Network(build, min_size, source))
        return build

    return add
