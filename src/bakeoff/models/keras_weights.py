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

_AUTOMATIC = re.compile(r"(?:conv2d|depthwise_conv2d|dense|batch_normalization)(?:_(\d+))?")
_VARIABLES = frozenset({"kernel", "bias", "gamma", "beta", "moving_mean", "moving_variance"})


@dataclass(frozen=True)
class _Layer:
    """A layer of a network, with views of its weights that have Keras's axes, in Keras's order."""

    name: str
    kind: str
    variables: Mapping[str, Tensor]


def keras_to_torch(model: nn.Module, weights: Mapping[str, NDArray[np.generic]]) -> None:
    """Copy Keras's weights into a network, or into a part of one such as a backbone.

    Layers are found by name. Where none is the same, or only names such as `conv2d_7` that Keras gives automatically,
    the n-th of a kind here gets the n-th of that kind there. Nothing is copied unless everything fits.

    Args:
        model: convolutions, dense layers, batch normalization, and layers without weights.
        weights: arrays by path, which ends in the names of layer and variable, such as `conv1_bn/gamma`. Variables
            with other names than today's Keras gives are taken in their order or by their numbers, as Keras does.

    Raises:
        ModelError: if layers are missing or left over, or a shape differs.
    """
    given = _by_layer(weights)
    copies = []
    for layer, name in _match(_layers(model), given):
        arrays = _by_variable(layer, name, given[name])
        for variable, target in layer.variables.items():
            array = arrays[variable]
            if array.shape != tuple(target.shape):
                raise ModelError(
                    f"layer {name!r}: the {variable} has the shape {array.shape} in the weights, but "
                    f"{tuple(target.shape)} in the network; use weights of the same network and options"
                )
            copies.append((target, torch.from_numpy(np.array(array))))
    with torch.no_grad():
        for target, source in copies:
            target.copy_(source)


def torch_to_keras(model: nn.Module) -> dict[str, NDArray[np.generic]]:
    """Return a copy of a network's weights in Keras's layout, by `layer/variable`: the inverse of `keras_to_torch`.

    Raises:
        ModelError: if a layer with weights is of a kind that has no counterpart in Keras.
    """
    return {
        f"{layer.name}/{variable}": view.detach().cpu().contiguous().numpy().copy()
        for layer in _layers(model)
        for variable, view in layer.variables.items()
    }


def _layers(model: nn.Module) -> list[_Layer]:
    layers: dict[str, _Layer] = {}
    for path, module in model.named_modules():
        if not any(True for _ in module.parameters(recurse=False)):
            continue
        # A layer fused with its activation, or with its padding, lies in a numbered place under the layer's name.
        name = next((part for part in reversed(path.split(".")) if not part.isdigit()), path)
        name = path if name in layers else name
        kind, variables = _keras_views(module, path)
        layers[name] = _Layer(name, kind, {name: view for name, view in variables.items() if view is not None})
    return list(layers.values())


def _keras_views(module: nn.Module, path: str) -> tuple[str, dict[str, Tensor | None]]:
    """Return what a layer is to Keras, and views of its weights under Keras's names with Keras's axes."""
    match module:
        case nn.Conv2d(groups=1):
            return "convolution", {"kernel": module.weight.permute(2, 3, 1, 0), "bias": module.bias}
        case nn.Conv2d() if module.groups == module.in_channels:
            kernel = module.weight.view(module.groups, -1, *module.kernel_size).permute(2, 3, 0, 1)
            return "depthwise convolution", {"kernel": kernel, "bias": module.bias}
        case nn.Linear():
            return "dense layer", {"kernel": module.weight.T, "bias": module.bias}
        case nn.BatchNorm1d() | nn.BatchNorm2d():
            statistics = {"moving_mean": module.running_mean, "moving_variance": module.running_var}
            return "batch normalization", {"gamma": module.weight, "beta": module.bias, **statistics}
    raise ModelError(
        f"layer {path!r}: a {type(module).__name__} has no counterpart among Keras's layers here; exchange weights "
        "only for networks of convolutions, dense layers and batch normalization"
    )


def _by_layer(weights: Mapping[str, NDArray[np.generic]]) -> dict[str, dict[str, NDArray[np.generic]]]:
    """Return the arrays of each layer by the names of their variables, in the given order."""
    given: dict[str, dict[str, NDArray[np.generic]]] = {}
    for path, array in weights.items():
        *_, layer, variable = ["", *(part for part in path.removesuffix(":0").split("/") if part != "vars")]
        arrays = given.setdefault(layer, {})
        if variable in arrays:
            raise ModelError(f"the weights have two arrays {layer}/{variable}; give those of one network")
        arrays[variable] = np.asarray(array)
    return given


def _match(
    layers: list[_Layer], given: Mapping[str, Mapping[str, NDArray[np.generic]]]
) -> Iterator[tuple[_Layer, str]]:
    """Pair each layer of the network with a layer of the weights."""
    names = {layer.name for layer in layers}
    if names != given.keys() and all(_AUTOMATIC.fullmatch(name) for name in names & given.keys()):
        yield from _match_by_place(layers, given)
        return
    if lacking := sorted(names - given.keys()):
        raise ModelError(f"the weights lack {_list(lacking)}; use the part of the network that they are of")
    if unused := sorted(given.keys() - names):
        raise ModelError(f"the weights have {_list(unused)} besides those of the network; use weights without them")
    yield from ((layer, layer.name) for layer in layers)


def _match_by_place(
    layers: list[_Layer], given: Mapping[str, Mapping[str, NDArray[np.generic]]]
) -> Iterator[tuple[_Layer, str]]:
    here: dict[str, list[str]] = defaultdict(list)
    there: dict[str, list[str]] = defaultdict(list)
    for layer in layers:
        here[layer.kind].append(layer.name)
    for name, arrays in given.items():
        there[_kind_of_arrays(name, arrays)].append(name)
    by_name = {layer.name: layer for layer in layers}
    for kind in sorted({*here, *there}):
        if len(here[kind]) != len(there[kind]):
            raise ModelError(
                f"the weights have {len(there[kind])} layers of the kind {kind}, but the network has "
                f"{len(here[kind])}; use weights of the same network, or the part of it that they are of"
            )
        yield from (
            (by_name[our], their) for our, their in zip(_ordered(here[kind]), _ordered(there[kind]), strict=True)
        )


def _ordered(names: list[str]) -> list[str]:
    """Return names that Keras gave automatically by their numbers; others stay in their order."""
    numbers = {name: int(found[1] or 0) for name in names if (found := _AUTOMATIC.fullmatch(name))}
    return sorted(names, key=lambda name: numbers[name]) if len(numbers) == len(names) else names


def _kind_of_arrays(name: str, arrays: Mapping[str, NDArray[np.generic]]) -> str:
    dimensions = max(array.ndim for array in arrays.values())
    if dimensions == 4:
        depthwise = name.startswith("depthwise") or any(variable.startswith("depthwise") for variable in arrays)
        return "depthwise convolution" if depthwise else "convolution"
    return "dense layer" if dimensions == 2 else "batch normalization"


def _by_variable(
    layer: _Layer, name: str, arrays: Mapping[str, NDArray[np.generic]]
) -> Mapping[str, NDArray[np.generic]]:
    """Return the arrays of one layer under the names of the network's variables."""
    named = {variable.removeprefix("depthwise_"): array for variable, array in arrays.items()}
    if not named.keys() & _VARIABLES and len(arrays) == len(layer.variables):
        places = sorted(arrays, key=int) if all(place.isdigit() for place in arrays) else arrays
        named = {variable: arrays[place] for variable, place in zip(layer.variables, places, strict=True)}
    if named.keys() != layer.variables.keys():
        raise ModelError(
            f"layer {name!r}: the weights have {', '.join(arrays)}, but the network expects "
            f"{', '.join(layer.variables)}; use weights of the same network"
        )
    return named


def _list(names: list[str]) -> str:
    shown = ", ".join(repr(name) for name in names[:3])
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return f"the layer{'s' if len(names) > 1 else ''} {shown}{more}"
