"""Summaries and counts of parameters."""

import pytest
import torch
from torch import Tensor, nn

from bakeoff.errors import ModelError
from bakeoff.models import networks
from bakeoff.models.summary import count_parameters, render, summarize


@pytest.mark.parametrize("name", list(networks))
def test_the_rows_sum_up_to_the_total(name):
    size = networks.get(name).min_size
    with torch.device("meta"):
        model = networks.get(name).build(10, 3, size)
    summary = summarize(model, 3, size)
    assert sum(row.parameters for row in summary.rows) == summary.count.total
    assert all(row.shapes for row in summary.rows), "every layer runs"
    assert summary.rows[-1].shapes == ((10,),)


def test_the_table_of_a_small_network():
    model = networks.get("simcnn").build(10, 3, 32)
    lines = render(summarize(model, 3, 32)).splitlines()
    assert lines[0].split() == ["layer", "type", "output", "parameters"]
    assert lines[2].split() == ["conv2d.0", "Conv2d", "(32,", "30,", "30)", "896"]
    macs = 30**2 * 27 * 32 + 13**2 * 288 * 64 + 4**2 * 576 * 64 + 1024 * 64 + 64 * 10
    assert lines[-4:-1] == ["parameters: 122,570", "trainable: 122,570", "non-trainable: 0"]
    assert lines[-1] == f"multiply-accumulates (one image): {macs:,}"
    assert len({len(line) for line in lines[:-5]}) == 1


class Odd(nn.Module):
    """A network with everything that makes a summary stumble."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.ones(3))
        self.register_buffer("table", torch.zeros(100))
        self.first = nn.Conv2d(3, 3, 1)
        self.tied = nn.Conv2d(3, 3, 1)
        self.tied.weight = self.first.weight
        self.unused = nn.Linear(4, 5)
        self.norm = nn.BatchNorm2d(3)
        self.relu = nn.ReLU()
        self.split = Split()
        self.head = nn.Linear(3, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        x = self.relu(self.norm(self.tied(self.relu(self.first(x)))) * self.scale[:, None, None])
        left, (right, _) = self.split(x)
        return {"logits": self.head((left + right).mean((2, 3)))}


class Split(nn.Module):
    def forward(self, x: Tensor) -> tuple[Tensor, list[Tensor | None]]:
        return x, [x[:, :, :1], None]


def test_a_network_with_shared_unused_and_odd_layers():
    model = Odd()
    model.first.bias.requires_grad = False
    model.norm.eval()
    model.train(False).relu.train()
    modes = {name: layer.training for name, layer in model.named_modules()}
    state = {name: tensor.clone() for name, tensor in model.state_dict().items()}

    summary = summarize(model, 3, 4)
    rows = {row.name: row for row in summary.rows}
    assert rows[""].parameters == 3
    assert (rows["first"].parameters, rows["tied"].parameters) == (12, 3)
    assert rows["unused"].shapes == ()
    assert rows["relu"].shapes == ((3, 4, 4),)
    assert rows["split"].shapes == ((3, 4, 4), (3, 1, 4))
    assert sum(row.parameters for row in summary.rows) == summary.count.total == 3 + 12 + 3 + 25 + 12 + 8
    assert summary.count.non_trainable == 6 + 3
    assert "unused" in render(summary)

    assert modes == {name: layer.training for name, layer in model.named_modules()}
    assert all(tensor.equal(state[name]) for name, tensor in model.state_dict().items())
    assert not any(layer._forward_hooks for layer in model.modules())


def test_a_network_that_cannot_take_the_image():
    with pytest.raises(ModelError, match="Conv2d cannot take images of 4x4 pixels with 5 channels"):
        summarize(nn.Conv2d(3, 3, 1), 5, 4)


def test_a_frozen_network_has_no_trainable_parameters():
    model = networks.get("vgg-small").build(10, 3, 32).requires_grad_(False)
    assert count_parameters(model).trainable == 0
    assert count_parameters(model).total == 552_874
