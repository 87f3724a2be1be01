"""Keras's layout of weights, without Keras."""

import random
import re

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from bakeoff.errors import ModelError
from bakeoff.models import networks
from bakeoff.models.keras_weights import keras_to_torch, torch_to_keras
from bakeoff.models.layers import named


def small(width: int = 4, bias: bool = True) -> nn.Sequential:
    return named(
        {
            "conv1": nn.Sequential(nn.ZeroPad2d(1), nn.Conv2d(3, width, (3, 2), bias=bias), nn.ReLU()),
            "conv1_bn": nn.BatchNorm2d(width),
            "conv_dw_1": nn.Conv2d(width, 2 * width, 3, groups=width, bias=bias),
            "conv_pw_1": nn.Conv2d(2 * width, 5, 1, bias=bias),
            "predictions": nn.Linear(5, 2),
        }
    )


def same(first: nn.Module, second: nn.Module) -> bool:
    pairs = zip(first.state_dict().items(), second.state_dict().values(), strict=True)
    return all(one.equal(other) for (name, one), other in pairs if not name.endswith("num_batches_tracked"))


@settings(max_examples=20)
@given(width=st.integers(2, 6), bias=st.booleans(), channels_last=st.booleans(), places=st.randoms())
def test_weights_survive_the_round_trip_in_any_order(width, bias, channels_last, places):
    source, target = small(width, bias), small(width, bias)
    source.conv1_bn.running_mean.normal_()
    if channels_last:
        source.to(memory_format=torch.channels_last)
        target.to(memory_format=torch.channels_last)
    items = list(torch_to_keras(source).items())
    places.shuffle(items)
    keras_to_torch(target, dict(items))
    assert same(source, target)


def test_the_axes_are_those_of_keras():
    weights = torch_to_keras(small(4))
    assert {path: array.shape for path, array in weights.items()} == {
        "conv1/kernel": (3, 2, 3, 4),
        "conv1/bias": (4,),
        "conv1_bn/gamma": (4,),
        "conv1_bn/beta": (4,),
        "conv1_bn/moving_mean": (4,),
        "conv1_bn/moving_variance": (4,),
        "conv_dw_1/kernel": (3, 3, 4, 2),
        "conv_dw_1/bias": (8,),
        "conv_pw_1/kernel": (1, 1, 8, 5),
        "conv_pw_1/bias": (5,),
        "predictions/kernel": (5, 2),
        "predictions/bias": (2,),
    }


def test_the_arrays_are_copies():
    model = nn.Sequential(nn.Linear(1, 1))
    torch_to_keras(model)["0/bias"][:] = 7
    assert model[0].bias != 7


def test_automatic_numbers_count_from_anywhere():
    with torch.no_grad():
        source, target = (networks.get("inceptionv3-keras").build(2, 1, 75).backbone for _ in range(2))
    later = [
        (re.sub(r"^(conv2d|batch_normalization)(?:_(\d+))?/", lambda m: f"{m[1]}_{int(m[2] or 0) + 94}/", path), array)
        for path, array in torch_to_keras(source).items()
    ]
    random.Random(0).shuffle(later)
    keras_to_torch(target, dict(later))
    assert same(source, target)


def test_automatic_layers_come_in_any_order_of_arrays():
    source, target = (networks.get("vgg-small").build(2, 1, 8) for _ in range(2))
    later = [(re.sub("^dense", "dense_1", path), array) for path, array in sorted(torch_to_keras(source).items())]
    later = [(path.replace("dense_1_1", "dense_10"), array) for path, array in later]
    keras_to_torch(target, dict(later))
    assert same(source, target)


def test_variables_of_old_files_are_taken_in_their_order():
    target = networks.get("vgg16").build(2, 3, 32).backbone.up_to("block1_conv1")
    kernel, bias = np.random.rand(3, 3, 3, 64), np.random.rand(64)
    keras_to_torch(target, {"block1_conv1/block1_conv1_W_1:0": kernel, "block1_conv1/block1_conv1_b_1:0": bias})
    assert np.allclose(torch_to_keras(target)["block1_conv1/kernel"], kernel)
    assert np.allclose(torch_to_keras(target)["block1_conv1/bias"], bias)


def backbone(alpha: float = 0.25) -> nn.Module:
    return networks.get("mobilenet-keras").build(2, 3, 32, alpha=alpha).backbone


def test_another_width_is_refused_before_anything_is_copied():
    target = backbone(0.5)
    before = {name: tensor.clone() for name, tensor in target.state_dict().items()}
    weights = torch_to_keras(backbone(0.5))
    weights["conv_pw_13/kernel"] = torch_to_keras(backbone(0.25))["conv_pw_13/kernel"]
    message = r"layer 'conv_pw_13': the kernel has the shape \(1, 1, 256, 256\) in the weights, but \(1, 1, 512, 512\)"
    with pytest.raises(ModelError, match=message):
        keras_to_torch(target, weights)
    assert all(tensor.equal(before[name]) for name, tensor in target.state_dict().items())


def test_missing_and_unused_layers_are_named():
    weights = torch_to_keras(backbone())
    cut = {path: array for path, array in weights.items() if "_13" not in path}
    with pytest.raises(ModelError, match="lack the layers 'conv_dw_13', 'conv_dw_13_bn', 'conv_pw_13' and 1 more"):
        keras_to_torch(backbone(), cut)
    with pytest.raises(ModelError, match="the weights have 'predictions' besides the layers of the network"):
        keras_to_torch(backbone(), {**weights, "predictions/kernel": np.zeros((256, 2))})
    del weights["conv1_bn/beta"]
    with pytest.raises(ModelError, match="the weights lack 'conv1_bn/beta'"):
        keras_to_torch(backbone(), weights)


def test_automatic_names_of_another_network_are_refused():
    other = torch_to_keras(networks.get("simcnn").build(10, 3, 32))
    with pytest.raises(ModelError, match=r"layer 'conv2d': the kernel has the shape \(3, 3, 3, 32\)"):
        keras_to_torch(networks.get("leaky-cnn-deep").build(10, 3, 32), other)


def test_two_layers_of_one_name_are_refused():
    with pytest.raises(ModelError, match="two arrays dense/kernel"):
        keras_to_torch(nn.Linear(2, 2), {"a/dense/kernel": np.zeros((2, 2)), "b/dense/kernel": np.zeros((2, 2))})


def test_a_layer_without_a_counterpart_is_refused():
    with pytest.raises(ModelError, match="layer '1': a LayerNorm has no counterpart"):
        torch_to_keras(nn.Sequential(nn.Linear(2, 2), nn.LayerNorm(2)))
