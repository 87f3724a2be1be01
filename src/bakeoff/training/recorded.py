"""Forward and backward pass as one list of operations: recorded once, and repeated without autograd."""

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from typing import Any

import torch
from torch import Tensor, fx, nn
from torch.func import functional_call
from torch.fx.experimental.proxy_tensor import make_fx

from bakeoff.specs.recipe import Recipe
from bakeoff.training.known import known

LEAST_STEPS = 1000  # that recording is worth, which takes a quarter of a second for a small network
MOST_WEIGHTS = 10_000_000  # above, operations take so long that what is between them no longer counts

_CAST = torch.ops.aten._to_copy.default
_RENAMED = (torch.ops.aten.alias.default, torch.ops.aten.detach.default)

Figures = tuple[Tensor, Tensor]  # loss, and number of images that were right


def worth_recording(model: nn.Module, recipe: Recipe, steps_per_epoch: int) -> bool:
    """Whether the passes of a training are to be recorded.

    They are where it is long and its network small, where what is computed stays the same from step to step, and where
    every module is known to do nothing else.

    Args:
        model: to be trained.
        recipe: a resolved one.
        steps_per_epoch: optimizer steps in an epoch.
    """
    changes = recipe.head_epochs or recipe.whiten_epochs or recipe.progressive
    return (
        recipe.engine == "lean"
        and not changes
        and recipe.total_steps(steps_per_epoch) >= LEAST_STEPS
        and sum(weight.numel() for weight in model.parameters()) <= MOST_WEIGHTS
        and all(weight.device.type in ("cpu", "meta") for weight in model.parameters())
        and all(map(known, model.modules()))
    )


class RecordedPass:
    """The pass of a network over full batches. Gradients and figures are those of autograd, to the last bit.

    Autograd notes during every operation what the way back will need, and on the way back looks for what comes next: a
    tenth of a step of a small network on a CPU. Here the first batch is gone through as usual while its operations are
    noted, so that recording is training; those of later batches are repeated. What only renames a tensor is left out
    then, and weights are cast all at once, as are gradients. Weights and buffers must stay where they are in memory.

    Args:
        model: to be trained, on a CPU.
        objective: from logits and targets, the loss and the number of images that were right.
        autocast: the context of the network's and the objective's operations.
    """

    def __init__(
        self,
        model: nn.Module,
        objective: Callable[[Tensor, Tensor], Figures],
        autocast: Callable[[], AbstractContextManager[None]],
    ) -> None:
        self._model = model
        self._objective = objective
        self._autocast = autocast
        self._form: object = None  # of the recorded batch
        self._operations: Callable[..., Figures] | None = None
        self._tensors: list[Tensor] = []  # that they work on besides the batch
        self._gradients: list[tuple[nn.Parameter, Tensor]] = []  # where they leave them

    def __call__(self, inputs: Tensor, targets: Tensor) -> Figures | None:
        """Leave gradients with the weights, and return the figures; None where that is to be done as usual.

        Args:
            inputs: of the network.
            targets: classes, or the share of each.
        """
        form = inputs.shape, inputs.stride(), inputs.dtype, targets.shape, targets.dtype
        if self._form is None:
            self._form = form
            return self._record(inputs, targets)
        if self._operations is None or form != self._form:
            return None
        with torch.no_grad():
            loss, correct = self._operations(inputs, targets, *self._tensors)
        self._hand_over()
        return loss, correct

    def _record(self, inputs: Tensor, targets: Tensor) -> Figures | None:
        weights, buffers = dict(self._model.named_parameters()), dict(self._model.named_buffers())
        trained = [name for name, weight in weights.items() if weight.requires_grad]
        results: list[Tensor] = []

        def work(inputs: Tensor, targets: Tensor, *tensors: Tensor) -> list[Tensor]:
            named = dict(zip((*weights, *buffers), tensors, strict=True))
            with self._autocast():
                loss, correct = self._objective(functional_call(self._model, named, (inputs,)), targets)
            gradients = torch.autograd.grad(loss, [named[name] for name in trained])
            results.extend((loss.detach(), correct, *gradients))
            return results

        before, generator = [buffer.clone() for buffer in buffers.values()], torch.get_rng_state()
        try:
            module = make_fx(work)(inputs, targets, *weights.values(), *buffers.values())
            casts = _shorten(module.graph, list(weights.values()))
            module.recompile()
        except Exception:  # it is computed as usual then, which tells of what is wrong with the network itself
            torch.set_rng_state(generator)
            for buffer, value in zip(buffers.values(), before, strict=True):
                buffer.copy_(value)
            return None
        loss, correct, *gradients = results
        for name, gradient in zip(trained, gradients, strict=True):
            self._gradients.append((weights[name], torch.empty_like(weights[name]).copy_(gradient)))
        self._operations = module.forward
        places = [place for _, place in self._gradients]
        self._tensors = [tensor.detach() for tensor in (*weights.values(), *buffers.values(), *casts, *places)]
        self._hand_over()
        return loss, correct

    def _hand_over(self) -> None:
        for weight, gradient in self._gradients:
            weight.grad = gradient


def _shorten(graph: fx.Graph, weights: Sequence[Tensor]) -> list[Tensor]:
    """Rewrite recorded passes, which take a batch, weights and buffers, and return figures and gradients.

    They return figures alone afterwards, and take further tensors: for casts of weights, and for gradients.

    Returns:
        Tensors for the casts.

    Raises:
        ValueError: a weight is cast twice, where autocast casts it once.
    """
    graph.set_codegen(fx.graph.CodeGen())  # arguments one after the other, not as trees
    for node in [node for node in graph.nodes if node.target in _RENAMED]:
        node.replace_all_uses_with(node.args[0])
        graph.erase_node(node)

    arguments = graph.find_nodes(op="placeholder")
    value = dict(zip(arguments[2:], weights, strict=False))  # behind the weights come buffers
    casts = [
        node
        for node in graph.find_nodes(op="call_function", target=_CAST)
        if node.args[0] in value and node.kwargs.keys() == {"dtype"}
    ]
    if len({node.args[0] for node in casts}) < len(casts):
        raise ValueError("a weight is cast twice")
    output = graph.output_node()
    returned: Any = output.args[0]
    loss, correct, *gradients = returned
    with graph.inserting_before(next(node for node in graph.nodes if node.op != "placeholder")):
        halves = [graph.placeholder(f"cast_{place}") for place in range(len(casts))]
        places = [graph.placeholder(f"gradient_{place}") for place in range(len(gradients))]
        if casts:
            graph.call_function(torch._foreach_copy_, (halves, [node.args[0] for node in casts]))
    with graph.inserting_before(output):
        graph.call_function(torch._foreach_copy_, (places, [_before_cast(node) for node in gradients]))
    output.args = ((loss, correct),)
    tensors = [value[node.args[0]].detach().to(node.kwargs["dtype"]) for node in casts]
    for node, half in zip(casts, halves, strict=True):
        node.replace_all_uses_with(half)
    for node in {*casts, *gradients}:
        if not node.users:
            graph.erase_node(node)
    return tensors


def _before_cast(gradient: fx.Node) -> fx.Node:
    """Return what a gradient is before it gets the format of its weight, which copying it gives as well."""
    before = gradient.args[0] if gradient.target is _CAST else gradient
    assert isinstance(before, fx.Node), "a tensor is cast"
    return before
