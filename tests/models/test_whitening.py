import pytest
import torch
from torch import nn
from torch.nn import functional

from bakeoff.models.library import build
from bakeoff.models.whitening import Whitening, fit_whitening
from bakeoff.specs.model import ModelSpec


@pytest.mark.parametrize("channels", [1, 3])
def test_whitened_patches_are_uncorrelated_and_of_unit_variance(channels: int) -> None:
    torch.manual_seed(0)
    smooth = functional.avg_pool2d(torch.randn(200, channels, 18, 18), 3, 1, 1)  # neighbours are alike
    smooth[:, 0] += 0.3 * smooth[:, -1]
    layer = Whitening(channels)
    layer.fit(smooth)
    maps = layer(smooth).detach()
    half = layer.channels // 2
    torch.testing.assert_close(maps[:, :half], -maps[:, half:])
    flat = maps[:, :half].transpose(0, 1).flatten(1)
    second_moments = flat @ flat.T / flat.shape[1]
    assert (second_moments - torch.eye(half)).abs().max() < 0.1, "but for the least variance that is added"


def test_a_network_without_such_a_layer_asks_for_no_images() -> None:
    fit_whitening(nn.Conv2d(3, 4, 2), lambda: pytest.fail("images were made"))


def test_the_kernels_are_saved_and_not_trained() -> None:
    model = build(ModelSpec(name="airbench94"), 10, 3, 32)
    kernels = [name for name in model.state_dict() if name.endswith("whiten.kernel")]
    assert kernels
    assert kernels[0] not in dict(model.named_parameters())
    # 24 biases; convolutions and the biases of their normalization; the classifier. The scales are not there.
    shapes = [(24, 64), (64, 64), (64, 256), (256, 256), (256, 256), (256, 256)]
    expected = 24 + sum(9 * a * b + b for a, b in shapes) + 256 * 10
    assert sum(weight.numel() for weight in model.parameters()) == expected


def test_the_deep_network_adds_what_its_second_and_third_convolutions_make():
    group = build(ModelSpec(name="airbench96"), 10, 3, 32).backbone.group2.eval()
    images = torch.randn(2, 128, 8, 8)
    first = group.gelu1(group.norm1(group.pool(group.conv1(images))))
    torch.testing.assert_close(group(images), functional.gelu(first + group.residual.branch(first)))


def test_convolutions_pass_their_input_on_at_first() -> None:
    model = build(ModelSpec(name="airbench94"), 10, 3, 32)
    first = next(layer for layer in model.modules() if isinstance(layer, nn.Conv2d))
    images = torch.randn(2, 24, 8, 8)
    torch.testing.assert_close(first(images)[:, :24], images)
