"""Networks that are rows of layers, so that it is known what comes before and behind each."""

from collections.abc import Iterator
from typing import TypeGuard

from torch import nn


def in_line(network: nn.Module) -> Iterator[nn.Module]:
    """Yield the layers of a network that is a row of layers and rows, or the network itself."""
    if in_a_row(network):
        for layer in network:
            yield from in_line(layer)
    else:
        yield network


def in_a_row(module: nn.Module) -> TypeGuard[nn.Sequential]:
    """Whether a module does nothing but run its layers one after the other; libraries have some that do more."""
    own = "forward" in vars(module) or type(module).forward is not nn.Sequential.forward
    return isinstance(module, nn.Sequential) and not own


def watched(*modules: nn.Module) -> bool:
    """Whether a hook waits for what goes into a module or comes out of it."""
    return any(module._forward_hooks or module._forward_pre_hooks for module in modules)
