"""Training on the images of each batch that a small network finds hardest."""

from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.data.pipeline import Batch
from bakeoff.models.whitening import Whitening
from bakeoff.specs.recipe import Recipe
from bakeoff.training import optimizers
from bakeoff.training.precision import Precision
from bakeoff.training.step import Step


class Proxy:
    """A small network that is trained beside another one, and picks the images of a batch that it is trained on.

    Those are the images on which its own losses are largest. It learns from them itself, in every so many steps, by the
    recipe of the other; the biases of a whitened first layer stay as they are.

    Args:
        model: the small network, on the device of the batches.
        prepare: makes a batch's images into its input.
        recipe: with `hard_examples`.
        precision: the format to compute in.

    Attributes:
        model: the small network.
        step: trains it.
        optimizer: of its weights.

    Source: the data filtering of airbench96_faster (Jordan 2024, the successor of arXiv:2404.00498), where the small
    network is trained before the other, on the same batches.
    """

    def __init__(
        self, model: nn.Module, prepare: Callable[[Tensor], Tensor], recipe: Recipe, precision: Precision
    ) -> None:
        assert recipe.hard_examples, "a proxy is for a recipe that has it"
        for layer in model.modules():
            if isinstance(layer, Whitening):
                layer.bias.requires_grad_(False)
        self.model = model.train()
        self.optimizer = optimizers.build(model, recipe.optimizer)
        self.step = Step(model, self.optimizer, prepare, recipe, precision, recipe.batch_size)
        self._spec = recipe.hard_examples
        self._prepare = prepare
        self._smoothing = recipe.label_smoothing
        self._precision = precision

    def pick(self, batch: Batch, lr: float, step: int) -> Batch:
        """Return the hardest images of a batch, and learn from them in the steps, counted from 0, that are its turn."""
        with torch.no_grad(), self._precision.autocast():
            logits = self.model(self._prepare(batch.images))
            losses = functional.cross_entropy(logits, batch.targets, label_smoothing=self._smoothing, reduction="none")
        kept = losses.topk(max(1, round(len(batch) * self._spec.keep))).indices
        hardest = Batch(batch.images[kept], batch.targets[kept])
        if step % self._spec.every == 0:
            self.step(hardest, lr)
        return hardest
