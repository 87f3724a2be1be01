"""Networks: one file per family, each registering the networks it can build."""

from typing import Protocol

from torch import nn

from bakeoff.registry import Registry


class Builder(Protocol):
    """Builds a network with freshly drawn weights.

    The network maps images (batch, in_channels, image_size, image_size), normalized, to logits
    (batch, num_classes). Weights are drawn from torch's default generator, which the caller seeds. An input that is
    too small raises `ModelError`.
    """

    def __call__(self, num_classes: int, in_channels: int, image_size: int) -> nn.Module: ...


models: Registry[Builder] = Registry("model", __name__)
