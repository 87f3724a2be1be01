import copy

import pytest
import torch
from torch import nn

from bakeoff.models.library import build
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import OptimizerSpec
from bakeoff.training import optimizers
from bakeoff.training.muon import orthogonal
from bakeoff.training.optimizers import set_lr

SPEC = OptimizerSpec.parse({"name": "muon", "other_lr": 0.3, "head_lr": 0.2, "weight_decay": 0.01})


@pytest.mark.parametrize("shape", [(64, 216), (216, 64), (10, 10)])
def test_updates_are_about_orthogonal_and_keep_their_singular_vectors(shape: tuple[int, int]) -> None:
    torch.manual_seed(0)
    matrix = torch.randn(shape)
    found = orthogonal(matrix)
    values = torch.linalg.svdvals(found)
    assert values.max() < 1.6
    assert values.median() > 0.6
    u, _, v = torch.linalg.svd(matrix, full_matrices=False)
    off = u.T @ found @ v.T
    assert (off - off.diag().diag()).abs().max() < 1e-4, "the singular vectors are the matrix's own"
    torch.testing.assert_close(orthogonal(1000 * matrix), found, atol=1e-4, rtol=1e-4)


def test_kernels_have_their_norm_and_the_rest_is_sgd() -> None:
    torch.manual_seed(0)
    model = build(ModelSpec(name="simcnn"), 3, 3, 32)
    twin = copy.deepcopy(model)
    optimizer = optimizers.build(model, SPEC)
    set_lr(optimizer, SPEC.lr)
    others = [
        {"params": [w for w in twin.parameters() if w.ndim == 1], "lr": 0.3, "weight_decay": 0.01 / 0.3},
        {"params": [list(twin.parameters())[-2]], "lr": 0.2, "weight_decay": 0.01 / 0.2},
    ]
    sgd = torch.optim.SGD(others, momentum=0.85, nesterov=True)
    images = torch.randn(6, 3, 32, 32)
    for _ in range(3):
        for net in (model, twin):
            net.zero_grad()
        model(images).logsumexp(1).sum().backward()
        for weight, other in zip(model.parameters(), twin.parameters(), strict=True):
            other.grad = weight.grad.clone()
        optimizer.step()
        sgd.step()
    pairs = dict(zip(model.named_parameters(), twin.parameters(), strict=True))
    for (name, weight), other in pairs.items():
        if weight.ndim == 1 or name == "dense_1.weight":
            torch.testing.assert_close(weight, other, rtol=1e-4, atol=1e-5)
        else:
            assert not torch.equal(weight, other)
            # Held at the root of its rows before an update whose singular values are near 1, times the rate.
            assert weight.norm().item() == pytest.approx(len(weight) ** 0.5, rel=0.2)


def test_every_rate_follows_the_schedule_and_frozen_weights_stay() -> None:
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(4, 2))
    model[1].weight.requires_grad_(False)
    optimizer = optimizers.build(model, SPEC)
    set_lr(optimizer, SPEC.lr / 2)
    held = [weight for group in optimizer.param_groups for weight in group["params"]]
    assert all(weight is not model[1].weight for weight in held)
    assert sorted(round(group["lr"], 6) for group in optimizer.param_groups) == [0.05, 0.1, 0.15]
