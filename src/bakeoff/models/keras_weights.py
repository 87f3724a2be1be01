"""Weights as Keras lays them out, to and from a network: names of layers and variables, order of axes."""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.errors import ModelError
from bakeoff.models.fitting import Match, MisfitError, Slot, fit, shown
from bakeoff.models.layers import Concat
from bakeoff.models.stages import Classifier

Array = NDArray[np.generic]

_AUTOMATIC = re.compile(r"(?:conv2d|depthwise_conv2d|dense|batch_normalization)(?:_(\d+))?")
_VARIABLES = frozenset({"kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"})


@dataclass(frozen=True)
class Layer:
    """A layer of a network, as Keras sees it.

    Attributes:
        name: its name in Keras.
        kind: its class in Keras, written as in automatic names: conv2d, depthwise_conv2d, dense, batch_normalization.
        variables: views of its weights that have Keras's axes, in Keras's order.
        owner: the module.
    """

    name: str
    kind: str
    variables: Mapping[str, Tensor]
    owner: nn.Module


@dataclass(frozen=True)
class KerasWeights:
    """Weights of Keras's layers.

    Attributes:
        layers: arrays by the names of layer and variable; a file of Keras 3 numbers the variables of a layer.
        listed: whether the layers of each kind stand in the order in which Keras lists those of a model, as they do
            in all its files. Otherwise the numbers in automatic names, such as `conv2d_7`, tell the order of their
            making.
    """

    layers: Mapping[str, Mapping[str, Array]]
    listed: bool = True

    def slots(self, network: nn.Module) -> list[Slot]:
        """Return the slots of a network with Keras's names and axes."""
        return [
            Slot(f"{layer.name}/{variable}", view, layer.owner)
            for layer in keras_layers(network)
            for variable, view in layer.variables.items()
        ]

    def match(self, network: nn.Module) -> Match:
        """Pair layers of the same name; and of the others, whose names Keras gave, the n-th of a kind with the n-th."""
        pairs = dict(self._pairs(network))
        given: dict[str, Tensor] = {}
        surplus: dict[str, Tensor] = {}
        for name, arrays in self.layers.items():
            layer = pairs.get(name)
            for variable, array in (_named(layer, arrays) if layer else arrays).items():
                fits = layer is not None and variable in layer.variables
                place = given if fits else surplus
                place[f"{layer.name if layer else name}/{variable}"] = torch.from_numpy(
                    np.require(array, requirements=["C", "W"])
                )
        return Match(given, surplus)

    def _pairs(self, network: nn.Module) -> Iterator[tuple[str, Layer]]:
        """Yield the names of ours with the network's layers that they are of."""
        layers = {layer.name: layer for layer in (in_keras_order if self.listed else keras_layers)(network)}
        same = {name for name in self.layers if name in layers and not _AUTOMATIC.fullmatch(name)}
        yield from ((name, layers[name]) for name in same)
        here: dict[str, list[str]] = defaultdict(list)
        there: dict[str, list[str]] = defaultdict(list)
        for name, layer in layers.items():
            if name not in same:
                here[layer.kind].append(name)
        for name, arrays in self.layers.items():
            if name not in same:
                there[_kind_of(name, arrays)].append(name)
        for kind, ours in here.items():
            pairs = (ours, there[kind]) if self.listed else map(_by_number, (ours, there[kind]))
            yield from ((their, layers[our]) for our, their in zip(*pairs, strict=False))


def keras_to_torch(model: nn.Module, weights: Mapping[str, Array]) -> None:
    """Copy Keras's weights into a network, or into a part of one such as a backbone: all of them, or none.

    Args:
        model: convolutions, dense layers, batch normalization, and layers without weights.
        weights: arrays by path, which ends in the names of layer and variable, such as `conv1_bn/gamma`. Variables
            with other names than today's Keras gives are taken in their order or by their numbers, as Keras does.

    Raises:
        MisfitError: if layers are missing or left over, or a shape differs.
    """
    found = fit(KerasWeights(_by_layer(weights), listed=False), model, (), model)
    if found.left_out:
        raise MisfitError(f"the weights have {shown(found.left_out)} besides the layers of the network")
    found.load()


def torch_to_keras(model: nn.Module) -> dict[str, Array]:
    """Return a copy of a network's weights in Keras's layout, by `layer/variable`: the inverse of `keras_to_torch`.

    Raises:
        ModelError: if a layer with weights is of a kind that has no counterpart in Keras.
    """
    return {
        f"{layer.name}/{variable}": view.detach().cpu().contiguous().numpy().copy()
        for layer in keras_layers(model)
        for variable, view in layer.variables.items()
    }


def keras_layers(model: nn.Module) -> list[Layer]:
    """Return the layers of a network that have weights, in the order of their making.

    Raises:
        ModelError: if one is of a kind that has no counterpart in Keras.
    """
    layers: dict[str, Layer] = {}
    for path, module in model.named_modules():
        if not any(True for _ in module.parameters(recurse=False)):
            continue
        # A layer fused with its activation, or with its padding, lies in a numbered place under the layer's name.
        name = next((part for part in reversed(path.split(".")) if not part.isdigit()), path)
        name = path if name in layers else name
        kind, variables = _views(module, path)
        views = {variable: view for variable, view in variables.items() if view is not None}
        layers[name] = Layer(name, kind, views, module)
    return list(layers.values())


def in_keras_order(model: nn.Module) -> list[Layer]:
    """Return the same layers as Keras lists those of a model: from the farthest from the output to the nearest."""
    depths: list[tuple[int, nn.Module]] = []

    def visit(module: nn.Module, depth: int) -> int:
        if isinstance(module, Concat):
            return max(visit(branch, depth + 1) for branch in module.branches)
        if isinstance(module, nn.Sequential | Classifier):
            for child in reversed(list(module.children())):
                depth = visit(child, depth)
            return depth
        depths.extend((-depth, part) for part in module.modules())
        return depth + 1

    visit(model, 0)
    depths.sort(key=lambda place: place[0])
    layers = {layer.owner: layer for layer in keras_layers(model)}
    return [layers[module] for _, module in depths if module in layers]


def _views(module: nn.Module, path: str) -> tuple[str, dict[str, Tensor | None]]:
    """Return what a layer is to Keras, and views of its weights under Keras's names with Keras's axes."""
    match module:
        case nn.Conv2d(groups=1):
            return "conv2d", {"kernel": module.weight.permute(2, 3, 1, 0), "bias": module.bias}
        case nn.Conv2d() if module.groups == module.in_channels:
            kernel = module.weight.view(module.groups, -1, *module.kernel_size).permute(2, 3, 0, 1)
            return "depthwise_conv2d", {"kernel": kernel, "bias": module.bias}
        case nn.Linear():
            return "dense", {"kernel": module.weight.T, "bias": module.bias}
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            statistics = {"moving_mean": module.running_mean, "moving_variance": module.running_var}
            return "batch_normalization", {"gamma": module.weight, "beta": module.bias, **statistics}
    raise ModelError(
        f"layer {path!r}: a {type(module).__name__} has no counterpart among Keras's layers here; exchange weights "
        "only for networks of convolutions, dense layers and batch normalization"
    )


def _by_layer(weights: Mapping[str, Array]) -> dict[str, dict[str, Array]]:
    """Return the arrays of each layer by the names of their variables, in the given order."""
    given: dict[str, dict[str, Array]] = {}
    for path, array in weights.items():
        *_, layer, variable = ["", *(part for part in path.removesuffix(":0").split("/") if part != "vars")]
        arrays = given.setdefault(layer, {})
        if variable in arrays:
            raise ModelError(f"the weights have two arrays {layer}/{variable}; give those of one network")
        arrays[variable] = np.asarray(array)
    return given


def _by_number(names: list[str]) -> list[str]:
    """Return names that Keras gave automatically by their numbers; others stay in their order."""
    numbers = {name: int(found[1] or 0) for name in names if (found := _AUTOMATIC.fullmatch(name))}
    return sorted(names, key=lambda name: numbers[name]) if len(numbers) == len(names) else names


def _kind_of(name: str, arrays: Mapping[str, Array]) -> str:
    dimensions = max(array.ndim for array in arrays.values())
    if dimensions == 4:
        depthwise = name.startswith("depthwise") or any(variable.startswith("depthwise") for variable in arrays)
        return "depthwise_conv2d" if depthwise else "conv2d"
    return "dense" if dimensions == 2 else "batch_normalization"


def _named(layer: Layer, arrays: Mapping[str, Array]) -> Mapping[str, Array]:
    """Return the arrays of a layer under the names of the network's variables."""
    named = {variable.removeprefix("depthwise_"): array for variable, array in arrays.items()}
    if not named.keys() & _VARIABLES:
        places = sorted(arrays, key=int) if all(place.isdigit() for place in arrays) else list(arrays)
        # Those that there are too many of keep their names, under which the network has no place for them.
        names = [*layer.variables, *places[len(layer.variables) :]]
        named = {name: arrays[place] for name, place in zip(names, places, strict=False)}
    return named
