"""The layers that networks share."""

import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from bakeoff.models.layers import (
    Flatten,
    SamePad,
    UnscaledBatchNorm2d,
    glorot_uniform,
    he_uniform,
    keras_sequential,
    side_after,
)
from bakeoff.models.resnet_cifar import PadShortcut


@given(size=st.integers(1, 40), kernel=st.integers(1, 7), stride=st.integers(1, 5))
def test_same_padding_leaves_every_stride_th_pixel(size, kernel, stride):
    padded = SamePad(kernel, stride)(torch.ones(1, 1, size, size))
    side = padded.shape[2]
    assert side_after(side, kernel, stride) == -(-size // stride)
    rows = padded[0, 0].any(dim=1).int()
    top = int(rows.argmax())
    assert 0 <= (side - size - top) - top <= 1, "an odd pixel goes to the bottom"
    assert padded.sum() == size**2


@given(size=st.integers(8, 60), kernel=st.integers(1, 8), stride=st.integers(1, 5))
def test_side_after_an_unpadded_kernel(size, kernel, stride):
    assert side_after(size, kernel, stride) == nn.MaxPool2d(kernel, stride)(torch.ones(1, 1, size, size)).shape[2]


def test_flatten_in_keras_order():
    x = torch.randn(2, 3, 4, 5)
    assert np.array_equal(Flatten()(x), x.permute(0, 2, 3, 1).numpy().reshape(2, -1))


def test_flatten_of_channels_last_copies_nothing():
    x = torch.randn(2, 3, 4, 5).to(memory_format=torch.channels_last)
    assert Flatten()(x).data_ptr() == x.data_ptr()


def test_unscaled_normalization_equals_one_with_scale_one():
    x = torch.randn(8, 3, 4, 4, requires_grad=True)
    ours, full = UnscaledBatchNorm2d(3, 1e-3, 0.01), nn.BatchNorm2d(3, 1e-3, 0.01)
    assert [name for name, _ in ours.named_parameters()] == ["bias"]
    torch.testing.assert_close(ours(x), full(x))
    torch.testing.assert_close(ours.running_var, full.running_var)
    torch.testing.assert_close(ours.eval()(x), full.eval()(x))


def test_kernels_are_drawn_within_the_limits_of_keras():
    layer = nn.Conv2d(16, 48, 3)
    fan_in, fan_out = 16 * 9, 48 * 9
    for draw, limit in ((glorot_uniform, (6 / (fan_in + fan_out)) ** 0.5), (he_uniform, (6 / fan_in) ** 0.5)):
        draw(layer)
        assert 0.99 * limit < layer.weight.abs().max() <= limit
        assert not layer.bias.any()


def test_layers_are_named_as_in_keras():
    model = keras_sequential(
        nn.Sequential(nn.Conv2d(3, 3, 1), nn.ReLU()), nn.MaxPool2d(2), nn.Conv2d(3, 3, 1), Flatten(), nn.Linear(3, 3)
    )
    assert [name for name, _ in model.named_children()] == ["conv2d", "max_pooling2d", "conv2d_1", "flatten", "dense"]


def test_shortcut_without_parameters():
    x = torch.randn(2, 3, 5, 5)
    y = PadShortcut(4, 2)(x)
    assert y.shape == (2, 7, 3, 3)
    assert y[:, :3].equal(x[:, :, ::2, ::2])
    assert not y[:, 3:].any()
