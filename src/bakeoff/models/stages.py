"""Feature extractors in named stages, to be tapped at any of them, and the classifiers built on them."""

from collections import OrderedDict
from collections.abc import Mapping

import torch
from torch import Tensor, nn
from torch.func import functional_call

from bakeoff.errors import ModelError, UnknownNameError


class Stages(nn.Sequential):
    """Named stages, each fed with the output of the one before.

    A stage is named after the Keras layer whose output it gives, such as `block3_pool` or `conv2_block1_out`, and so
    are the layers with weights inside it. That makes a tap mean the same as in Keras, and lets Keras's weights be
    found by name (`keras_weights`).
    """

    def __init__(self, stages: Mapping[str, nn.Module]) -> None:
        super().__init__(OrderedDict(stages))

    @property
    def names(self) -> list[str]:
        """The names of the stages, from the image on."""
        return list(self._modules)

    def up_to(self, stage: str) -> "Stages":
        """Return the stages up to and with the named one; they are shared, not copied.

        Raises:
            UnknownNameError: if there is no such stage.
        """
        if stage not in self._modules:
            raise UnknownNameError("stage", stage, self._modules)
        kept = self.names[: self.names.index(stage) + 1]
        return Stages({name: self.get_submodule(name) for name in kept})

    def feature_shape(self, stage: str, image_size: int) -> tuple[int, ...]:
        """Return the shape of what a stage gives for a square image of `image_size` pixels: (channels, height, width).

        Of vectors, which some stages give, it is (features,).

        Raises:
            UnknownNameError: if there is no such stage.
            ModelError: if nothing is left of such small images before that stage.
        """
        stages = self.up_to(stage)
        first = next(layer for layer in self.modules() if isinstance(layer, nn.Conv2d))
        # Tensors on the meta device have shapes but no values: nothing is computed. Two images, because normalization
        # in training mode refuses a single one.
        weights = {name: tensor.to("meta") for name, tensor in stages.state_dict().items()}
        images = torch.empty(2, first.in_channels, image_size, image_size, device="meta")
        try:
            features: Tensor = functional_call(stages, weights, images)
        except RuntimeError:
            raise ModelError(
                f"images of {image_size} pixels are too small for the stage {stage!r}; tap an earlier one"
            ) from None
        return tuple(features.shape[1:])


class Classifier(nn.Module):
    """A backbone, and a head that turns its features into logits.

    Attributes:
        backbone: the `Stages` of a network registered here, or the `EarlyExit` of another library's.
        head: layers in a row, of which the first pools.
    """

    def __init__(self, backbone: nn.Module, head: nn.Sequential) -> None:
        super().__init__()
        self.backbone = backbone
        self.head = head

    def forward(self, x: Tensor) -> Tensor:
        """Map images (batch, channels, height, width) to logits (batch, classes)."""
        logits: Tensor = self.head(self.backbone(x))
        return logits
