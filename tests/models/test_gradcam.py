"""Grad-CAM: against derivatives by hand, on a planted pattern, and on networks of every kind."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from bakeoff.errors import ModelError
from bakeoff.models import transfer
from bakeoff.models.gradcam import gradcam
from bakeoff.models.library import build
from bakeoff.specs.model import ModelSpec
from bakeoff.training.lean import lean


def test_a_tiny_network_against_derivatives_of_its_own():
    torch.manual_seed(0)
    conv, norm, linear = nn.Conv2d(2, 5, 3), nn.BatchNorm2d(5), nn.Linear(5 * 9, 4)
    norm.running_mean.normal_()
    network = nn.Sequential(conv, norm, nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Flatten(), linear).train()
    images, classes = torch.randn(3, 2, 8, 8), torch.tensor([2, 0, 3])
    found = gradcam(network, images, classes)
    network.eval()
    with torch.no_grad():
        maps = network[:4](images)
    # The logit is linear in the last maps, so that its gradient is the weight itself.
    weight = linear.weight.detach()[classes].view(3, 5, 3, 3)
    expected = (weight.mean((2, 3))[:, :, None, None] * maps).sum(1).clamp_min(0)
    expected /= expected.amax((1, 2), keepdim=True)
    assert torch.allclose(found, expected, atol=1e-6)
    assert all(weight.grad is None for weight in network.parameters())


def test_it_is_hottest_where_the_class_is_decided():
    """Two classes that differ in a patch of the upper right corner alone, on images of noise."""
    generator = torch.Generator().manual_seed(1)
    labels = torch.arange(96) % 2
    images = torch.randn(96, 1, 16, 16, generator=generator)
    images[labels == 1, :, 1:5, 11:15] += 3
    torch.manual_seed(2)
    network = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(8, 8, 3, padding=1), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(8, 2),
    )  # fmt: skip
    optimizer = torch.optim.Adam(network.parameters(), 0.03)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), labels).backward()
        optimizer.step()
    with torch.no_grad():
        assert (network(images).argmax(1) == labels).float().mean() > 0.95
    heat = gradcam(network, images[labels == 1], torch.ones(48, dtype=torch.long)).numpy()
    assert heat.shape == (48, 8, 8)
    hottest = np.array([np.unravel_index(one.argmax(), one.shape) for one in heat])
    inside = (hottest[:, 0] <= 2) & (hottest[:, 1] >= 5)
    assert inside.mean() > 0.9
    other = gradcam(network, images[labels == 1], torch.zeros(48, dtype=torch.long)).numpy()
    assert other[:, :3, 5:].mean() < 0.3 * heat[:, :3, 5:].mean()


@pytest.mark.parametrize(
    ("spec", "size"),
    [
        ({"name": "lenet5"}, 32),
        ({"name": "vgg16"}, 32),
        ({"name": "resnet20"}, 32),
        ({"name": "mobilenet-keras", "tap": "conv_pw_5_relu", "head": [8], "freeze": "backbone"}, 32),
        ({"name": "timm:mobilenetv3_small_050"}, 64),
        ({"name": "timm:mobilenetv3_small_050", "head": [8], "freeze": "backbone"}, 64),
        ({"name": "torchvision:squeezenet1_1"}, 64),
        ({"name": "timm:test_convnext"}, 160),
    ],
)
def test_networks_of_every_kind_have_maps(spec: dict, size: int):
    torch.manual_seed(0)
    parsed = ModelSpec.parse(spec)
    network = build(parsed, 3, 3, size)
    transfer.freeze(network, parsed.freeze)
    modes = [module.training for module in network.modules()]
    heat = gradcam(network, torch.randn(2, 3, size, size), torch.tensor([0, 1]))
    assert heat.shape[0] == 2
    assert 1 < heat.shape[1] == heat.shape[2] < size
    assert torch.isfinite(heat).all()
    assert 0 <= heat.min() <= heat.max() <= 1
    assert [module.training for module in network.modules()] == modes


class ChannelsLast(nn.Module):
    """As Swin has them: blocks that give (batch, height, width, channels)."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.turn, self.head = nn.Conv2d(1, 6, 3, padding=1), Turn(), nn.Linear(6, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.turn(self.body(x)).mean((1, 2)))


class Turn(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.permute(0, 2, 3, 1).relu()


def test_maps_with_their_channels_last():
    torch.manual_seed(0)
    network, images = ChannelsLast(), torch.randn(2, 1, 5, 5)
    with torch.no_grad():
        maps = network.body(images).relu()
        expected = (maps * network.head.weight[1][None, :, None, None]).sum(1).clamp_min(0)
    expected /= expected.amax((1, 2), keepdim=True)
    assert torch.allclose(gradcam(network, images, torch.tensor([1, 1])), expected, atol=1e-6)


@pytest.mark.parametrize("name", ["timm:test_vit", "mlp"])
def test_networks_without_maps_are_told_apart(name: str):
    network = nn.Sequential(nn.Flatten(), nn.Linear(3 * 160**2, 2)) if name == "mlp" else build(
        ModelSpec(name=name), 2, 3, 160
    )  # fmt: skip
    with pytest.raises(ModelError, match="has no maps at its end"):
        gradcam(network, torch.randn(1, 3, 160, 160), torch.tensor([0]))


def test_nothing_that_speaks_for_a_class_is_0_and_not_nan():
    network = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.Flatten(), nn.Linear(18, 2))
    for weight in network.parameters():
        nn.init.zeros_(weight)
    assert gradcam(network, torch.ones(1, 1, 5, 5), torch.tensor([1])).eq(0).all()


def test_a_compiled_network_has_the_maps_that_it_has_as_it_is():
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(1, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)).eval()
    compiled = copy.deepcopy(plain)
    compiled.compile(backend="eager")
    images, classes = torch.randn(2, 1, 6, 6), torch.tensor([0, 1])
    compiled(images.clone().requires_grad_())  # from now on it looks for no hooks
    assert torch.equal(gradcam(compiled, images, classes), gradcam(plain, images, classes))


def test_lean_layers_leave_the_maps_as_they_are():
    """Also where one place is left behind the last pooling, so that the maps are those of the activation before it."""
    torch.manual_seed(0)
    plain = build(ModelSpec(name="vgg16"), 3, 3, 32)
    images, classes = torch.randn(2, 3, 32, 32), torch.tensor([0, 1])
    found = gradcam(lean(copy.deepcopy(plain)), images, classes)
    assert torch.equal(found, gradcam(plain, images, classes))
