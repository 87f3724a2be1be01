"""Weights that are trained in some epochs only, and learning rates that differ over depth."""

from torch import nn

from bakeoff.models.anatomy import classifier_modules, stages_of
from bakeoff.models.whitening import Whitening
from bakeoff.specs.recipe import Recipe


class Phases:
    """Which weights are trained in which epoch, and how fast.

    In the first `head_epochs` of a recipe only the classifier learns, so that its random weights do no harm to those
    of the backbone; then everything that the model's `requires_grad` asked for at the start (Howard and Ruder 2018,
    arXiv:1801.06146, who also introduced rates that fall with depth). The biases of a whitened first layer stay as
    they are after `whiten_epochs` (Jordan 2024, arXiv:2404.00498): no gradient has to go through it then.

    Attributes:
        rates: the factor of the learning rate of every weight of the backbone: `backbone_lr` in its last stage, and
            `layer_decay` times as much in each stage before.
    """

    def __init__(self, model: nn.Module, recipe: Recipe) -> None:
        self._head_epochs = recipe.head_epochs
        classifier = {weight for module in classifier_modules(model) for weight in module.parameters(recurse=False)}
        trained = [weight for weight in model.parameters() if weight.requires_grad]
        self._later = [weight for weight in trained if weight not in classifier] if recipe.head_epochs else []
        whitening = [module.bias for module in model.modules() if isinstance(module, Whitening)]
        self._whiten_epochs = recipe.whiten_epochs
        self._early = [bias for bias in whitening if bias.requires_grad] if recipe.whiten_epochs else []
        self.rates = _rates(model, recipe, classifier)

    def begin(self, epoch: int) -> None:
        """Freeze or thaw what the phase of an epoch, counted from 0, demands."""
        for weight in self._later:
            weight.requires_grad_(epoch >= self._head_epochs)
        for bias in self._early:
            bias.requires_grad_(self._head_epochs <= epoch < self._whiten_epochs)


def _rates(model: nn.Module, recipe: Recipe, classifier: set[nn.Parameter]) -> dict[nn.Parameter, float]:
    if recipe.backbone_lr == recipe.layer_decay == 1:
        return {}
    stages = [list(stage.parameters()) for _, stage in stages_of(model)]
    depth = {weight: depth for depth, stage in enumerate(reversed(stages)) for weight in stage}
    return {
        weight: recipe.backbone_lr * recipe.layer_decay ** depth.get(weight, len(stages))
        for weight in model.parameters()
        if weight not in classifier
    }
