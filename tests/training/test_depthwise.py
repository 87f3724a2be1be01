"""Gradients of depthwise kernels in pieces: torch's, to rounding, whatever the shapes."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn

from bakeoff.training import depthwise
from bakeoff.training.depthwise import LeanDepthwiseConv2d
from bakeoff.training.lean import lean

CHANNELS = 6


@pytest.fixture(autouse=True)
def _pieces_for_few_channels(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(depthwise, "CHANNELS", 1)
    monkeypatch.setattr(depthwise, "MANY_CHANNELS", 1)


def both(kernel, stride=1, border=0, *, bias: bool = True) -> tuple[nn.Module, nn.Module]:
    """Return a layer of torch's, in double precision, and a lean one like it."""
    torch.manual_seed(0)
    plain = nn.Conv2d(CHANNELS, CHANNELS, kernel, stride, border, groups=CHANNELS, bias=bias)
    fast = lean(copy.deepcopy(plain))
    assert type(fast) is LeanDepthwiseConv2d
    return plain.double(), fast.double()


def gradients(layer: nn.Module, images: Tensor, *, create: bool = False) -> list[Tensor]:
    leaf = images.clone(memory_format=torch.preserve_format).requires_grad_()
    y = layer(leaf)
    wanted = [leaf, *layer.parameters()]
    if create:
        first = torch.autograd.grad(y.sin().sum(), wanted, create_graph=True)
        return [*torch.autograd.grad(sum(gradient.square().sum() for gradient in first), wanted)]
    return [y.detach(), *torch.autograd.grad(y.sin().sum(), wanted)]


@given(
    kernel=st.tuples(st.integers(1, 6), st.integers(1, 9)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 4)),
    border=st.one_of(st.tuples(st.integers(0, 4), st.integers(0, 4)), st.sampled_from(["same", "valid"])),
    size=st.tuples(st.integers(1, 11), st.integers(1, 11)),
    images=st.integers(1, 3),
    layout=st.sampled_from([torch.channels_last, torch.contiguous_format]),
    bias=st.booleans(),
)
@settings(deadline=None, max_examples=300)
def test_gradients_are_torchs(kernel, stride, border, size, images, layout, bias) -> None:
    if border == "same":
        stride, kernel = (1, 1), (kernel[0] | 1, kernel[1] | 1)
    plain, fast = both(kernel, stride, border, bias=bias)
    x = torch.randn(images, CHANNELS, *size, dtype=torch.float64).to(memory_format=layout)
    said = []
    for layer in (plain, fast):
        try:
            said.append(gradients(layer, x))
        except RuntimeError as refusal:  # of a kernel that is larger than the images
            said.append(str(refusal))
    if isinstance(said[0], str):
        assert said[0] == said[1]
    else:
        torch.testing.assert_close(said[1], said[0])


@pytest.mark.parametrize(("kernel", "size"), [(5, 8), (7, 4), (3, 2), (3, 1)])
def test_they_are_computed_in_pieces(kernel: int, size: int, monkeypatch: pytest.MonkeyPatch) -> None:
    _, fast = both(kernel, border=kernel // 2)
    seen, x = [], torch.randn(2, CHANNELS, size, size, dtype=torch.float64)
    backward = depthwise._backward
    monkeypatch.setattr(depthwise, "_backward", lambda *given: seen.append(given[2].shape[3]) or backward(*given))
    gradients(fast, x)
    assert seen[1:] == [3] * -(-kernel // 3)
    seen.clear()
    fast.weight.requires_grad_(False)
    fast(x.requires_grad_()).sum().backward()
    assert seen == []


@pytest.mark.parametrize("stride", [1, 2])
def test_gradients_of_gradients_are_torchs(stride: int) -> None:
    plain, fast = both(5, stride, 2)
    x = torch.randn(2, CHANNELS, 7, 6, dtype=torch.float64)
    for expected, found in zip(gradients(plain, x, create=True), gradients(fast, x, create=True), strict=True):
        torch.testing.assert_close(found, expected)


@pytest.mark.parametrize(("kernel", "size"), [(7, 8), (3, 2)])
def test_in_bfloat16_they_are_nearer_to_the_truth(kernel: int, size: int) -> None:
    plain, fast = both(kernel, border=kernel // 2)
    x = torch.randn(4, CHANNELS, size, size, dtype=torch.float64)
    truth = gradients(plain, x)
    with torch.autocast("cpu", torch.bfloat16):
        theirs, ours = gradients(plain.float(), x.float()), gradients(fast.float(), x.float())
    for true, one, other in zip(truth, ours, theirs, strict=True):
        assert float((true - one).norm()) <= float((true - other).norm())
        assert one.dtype == other.dtype


def test_no_images_and_others_than_it_was_made_for() -> None:
    plain, fast = both(5, border=2)
    assert fast(torch.zeros(0, CHANNELS, 8, 8, dtype=torch.float64)).shape == (0, CHANNELS, 8, 8)
    assert torch.equal(*(layer(torch.ones(CHANNELS, 8, 8, dtype=torch.float64)) for layer in (plain, fast)))
    said = []
    for layer in (plain, fast):
        with pytest.raises(RuntimeError) as refusal:
            layer(torch.zeros(2, CHANNELS + 1, 8, 8, dtype=torch.float64))
        said.append(str(refusal.value))
    assert said[0] == said[1]
