"""What a network is made of: its layers with output shapes and parameters, and the totals."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor, nn

from bakeoff.models.operations import counting_macs
from bakeoff.models.trial import trial
from bakeoff.records.run import ParameterCount


@dataclass(frozen=True)
class LayerRow:
    """One layer.

    Attributes:
        name: the path to the layer in the network; empty for the network itself.
        kind: the name of its class.
        shapes: the shape of each tensor that it gave when it first ran, without the batch; empty if it never ran.
        parameters: numbers of weights that are its own, each counted in the first layer that holds it.
    """

    name: str
    kind: str
    shapes: tuple[tuple[int, ...], ...]
    parameters: int


@dataclass(frozen=True)
class Summary:
    """The layers of a network, in the order of their registration, and their totals."""

    rows: tuple[LayerRow, ...]
    count: ParameterCount
    macs: int  # multiply-accumulates for one image, see `bakeoff.models.operations`

    def __str__(self) -> str:
        return render(self)


def count_parameters(model: nn.Module) -> ParameterCount:
    """Return the numbers of weights as Keras counts them.

    Frozen weights and the running statistics of normalization are non-trainable. A weight that is shared counts
    once. Other buffers, such as counters of batches and tables of positions, do not count.
    """
    weights = list(model.parameters())
    trainable = sum(weight.numel() for weight in weights if weight.requires_grad)
    total = sum(weight.numel() for weight in weights) + sum(_statistics(layer) for layer in model.modules())
    return ParameterCount(total=total, trainable=trainable, non_trainable=total - trainable)


def summarize(model: nn.Module, in_channels: int, image_size: int) -> Summary:
    """Return the layers of a network with their shapes, found by sending one black image through it.

    Weights, statistics and modes of the network are left as they are.

    Raises:
        ModelError: if the network cannot take such an image.
    """
    shapes: dict[nn.Module, tuple[tuple[int, ...], ...]] = {}

    def note(layer: nn.Module, _: Any, output: Any) -> None:
        shapes.setdefault(layer, tuple(tuple(tensor.shape[1:]) for tensor in _tensors(output)))

    handles = [layer.register_forward_hook(note) for layer in model.modules()]
    try:
        with counting_macs() as macs:
            trial(model, in_channels, image_size)
    finally:
        for handle in handles:
            handle.remove()
    return Summary(tuple(_rows(model, shapes)), count_parameters(model), macs())


def render(summary: Summary) -> str:
    """Return a summary as a table in plain text."""
    header = ("layer", "type", "output", "parameters")
    lines = [
        (row.name, row.kind, " ".join(map(str, row.shapes)) or "unused", f"{row.parameters:,}") for row in summary.rows
    ]
    widths = [max(len(line[column]) for line in [header, *lines]) for column in range(len(header))]
    table = [_line(header, widths), "-" * (sum(widths) + 2 * len(widths) - 2), *(_line(line, widths) for line in lines)]
    count = summary.count
    totals = [
        f"parameters: {count.total:,}",
        f"trainable: {count.trainable:,}",
        f"non-trainable: {count.non_trainable:,}",
        f"multiply-accumulates (one image): {summary.macs:,}",
    ]
    return "\n".join([*table, "", *totals])


def _line(cells: tuple[str, ...], widths: list[int]) -> str:
    *texts, number = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "  ".join([*texts, number.strip().rjust(widths[-1])])


def _rows(model: nn.Module, shapes: Mapping[nn.Module, tuple[tuple[int, ...], ...]]) -> Iterator[LayerRow]:
    """Yield the layers without parts, and those that hold weights beside their parts."""
    seen: set[int] = set()
    for name, layer in model.named_modules():
        own = [weight for weight in layer.parameters(recurse=False) if id(weight) not in seen]
        seen.update(id(weight) for weight in own)
        parameters = sum(weight.numel() for weight in own) + _statistics(layer)
        if parameters or not any(layer.children()):
            yield LayerRow(name, type(layer).__name__, shapes.get(layer, ()), parameters)


def _statistics(layer: nn.Module) -> int:
    """Return how many running means and variances a layer keeps."""
    buffers = layer.named_buffers(recurse=False)
    return sum(buffer.numel() for name, buffer in buffers if name in ("running_mean", "running_var"))


def _tensors(output: Any) -> Iterator[Tensor]:
    if isinstance(output, Tensor):
        yield output
    elif isinstance(output, Mapping):
        for value in output.values():
            yield from _tensors(value)
    elif isinstance(output, list | tuple):
        for value in output:
            yield from _tensors(value)
