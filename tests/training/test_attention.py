"""Attention in float32: nearer to the truth than torch's in bfloat16, and torch's own wherever nothing is learned."""

import copy
import pickle

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.models.library import build
from bakeoff.specs.model import ModelSpec
from bakeoff.training.lean import lean


class Attention(nn.Module):
    """As timm has it, with a mask if wanted."""

    def __init__(self, mask: Tensor | None = None) -> None:
        super().__init__()
        self.qkv, self.out, self.fused_attn, self.mask = nn.Linear(64, 192), nn.Linear(64, 64), True, mask
        self.formats: list[torch.dtype] = []

    def forward(self, x: Tensor) -> Tensor:
        q, k, v = self.qkv(x).unflatten(2, (3, 2, 32)).permute(2, 0, 3, 1, 4)
        y = functional.scaled_dot_product_attention(q, k, v, self.mask)
        self.formats.append(y.dtype)
        return self.out(y.transpose(1, 2).flatten(2))


def passes(layer: nn.Module, x: Tensor, *, amp: bool = True) -> list[Tensor]:
    leaf = x.clone().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=amp):
        y = layer(leaf)
    weights = [weight for weight in layer.parameters() if weight.requires_grad]
    return [y.detach(), *torch.autograd.grad(y, [leaf, *weights], torch.linspace(-1, 1, y.numel()).view(y.shape).to(y))]


def format_of_attention(layer: nn.Module, x: Tensor) -> torch.dtype:
    """Return the format of what attention keeps for the way back."""
    with torch.autocast("cpu", torch.bfloat16):
        behind = [layer(x).grad_fn]
    while "ScaledDotProduct" not in (node := behind.pop(0)).name():
        behind += [before for before, _ in node.next_functions if before]
    return node._saved_query.dtype


@pytest.mark.parametrize(
    "mask", [None, torch.ones(17, 17).tril().bool(), torch.linspace(-2, 2, 17 * 17).view(17, 17), "bfloat16"]
)
def test_attention_is_no_further_from_the_truth(mask: Tensor | str | None) -> None:
    torch.manual_seed(0)
    layer = Attention(torch.linspace(-2, 2, 17 * 17).view(17, 17).bfloat16() if isinstance(mask, str) else mask)
    fast = lean(copy.deepcopy(layer))
    assert type(fast) is not Attention
    x = torch.randn(4, 17, 64)
    exact = copy.deepcopy(layer).double()
    if exact.mask is not None and exact.mask.is_floating_point():
        exact.mask = exact.mask.double()
    truth = passes(exact, x.double(), amp=False)
    if isinstance(layer.mask, Tensor) and layer.mask.dtype == torch.float32:
        layer.mask = layer.mask.bfloat16()  # torch's own wants the format of the rest
    for true, ours, theirs in zip(truth, passes(fast, x), passes(layer, x), strict=True):
        assert ours.dtype == theirs.dtype
        assert float((true - ours).norm()) <= 1.1 * float((true - theirs).norm())
    assert fast.formats == layer.formats == [torch.bfloat16]
    assert [format_of_attention(one, x) for one in (fast, layer)] == [torch.float32, torch.bfloat16]


def test_where_nothing_is_learned_or_cast_it_is_torchs() -> None:
    torch.manual_seed(0)
    layer = Attention()
    fast, x = lean(copy.deepcopy(layer)), torch.randn(4, 17, 64)
    for one, other in zip(passes(layer, x, amp=False), passes(fast, x, amp=False), strict=True):
        assert torch.equal(one, other)
    with torch.no_grad(), torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(layer(x), fast(x))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(*(one.requires_grad_(False)(x) for one in (layer, fast)))
    exact = x.double().requires_grad_()
    with torch.autocast("cpu", torch.bfloat16):  # which leaves double precision as it is
        assert torch.equal(*(one.double()(exact) for one in (layer, fast)))


def test_for_many_tokens_it_is_torchs() -> None:
    few, many = torch.randn(1, 512, 64), torch.randn(1, 513, 64)
    assert [format_of_attention(lean(Attention()), x) for x in (few, many)] == [torch.float32, torch.bfloat16]


def test_a_copy_attends_alike_and_answers_to_its_own_weights() -> None:
    torch.manual_seed(0)
    fast = lean(Attention())
    other, x = pickle.loads(pickle.dumps(copy.deepcopy(fast))), torch.randn(4, 17, 64)
    assert type(other) is type(fast) is type(lean(lean(Attention())))
    nn.init.zeros_(other.out.weight)
    nn.init.zeros_(other.out.bias)
    assert not passes(other, x)[0].any()
    assert passes(fast, x)[0].any()


def test_a_vision_transformer_keeps_names_logits_and_gradients() -> None:
    torch.manual_seed(0)
    plain = build(ModelSpec(name="timm:vit_tiny_patch16_224"), 3, 3, 32)
    fast = lean(copy.deepcopy(plain))
    assert [*fast.state_dict()] == [*plain.state_dict()]
    assert [type(module).__name__ for module in fast.modules()].count("Attention") == 12
    assert sum(type(one) is not type(other) for one, other in zip(plain.modules(), fast.modules(), strict=True)) >= 12
    images = torch.randn(2, 3, 32, 32)
    for one, other in zip(passes(plain, images), passes(fast, images), strict=True):
        assert float((one.float() - other.float()).norm() / one.float().norm().clamp(min=1e-6)) < 0.05
