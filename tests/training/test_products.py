"""Layers that compute in another way: outputs and gradients are torch's, to rounding."""

import copy
from collections.abc import Iterator

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.models.library import build, expand, find
from bakeoff.specs.model import ModelSpec
from bakeoff.training import products
from bakeoff.training.depthwise import LeanDepthwiseConv2d
from bakeoff.training.lean import lean
from bakeoff.training.products import LeanConv2d, LeanLinear, LeanPointwiseConv2d

LAYOUTS = [torch.channels_last, torch.contiguous_format]
IS_WIDE_AMD = products._is_wide_amd


@pytest.fixture(autouse=True, scope="module")
def any_processor() -> Iterator[None]:
    """Have products also where this processor is slow at them."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "_is_wide_amd", lambda: False)
        yield


def as_lean(layer: nn.Module) -> nn.Module:
    """Return a copy that has another class."""
    fast = lean(copy.deepcopy(layer))
    assert type(fast) is not type(layer)
    return fast


def passes(layer: nn.Module, images: Tensor, *, amp: bool = False) -> list[Tensor]:
    """Return the output of a layer, and the gradients of images and weights."""
    leaf = images.clone(memory_format=torch.preserve_format).requires_grad_()
    with torch.autocast("cpu", torch.bfloat16, enabled=amp):
        output = layer(leaf)
    upstream = torch.linspace(-1, 1, output.numel()).view(output.shape).cos().to(output.dtype)
    return [output.detach(), *torch.autograd.grad(output, [leaf, *layer.parameters()], upstream)]


def errors(layer: nn.Module, images: Tensor) -> list[float]:
    """Return how far outputs and gradients in bfloat16 are from those in float64, as a share of their norm."""
    exact = passes(copy.deepcopy(layer).double(), images.double())
    found = passes(layer, images, amp=True)
    return [float((one - other).norm() / one.norm()) for one, other in zip(exact, found, strict=True)]


@given(
    kernel=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    stride=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    border=st.sampled_from([(0, 0), (1, 1), (0, 2), "same", "valid"]),
    size=st.tuples(st.integers(5, 9), st.integers(5, 9)),
    channels=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    layout=st.sampled_from(LAYOUTS),
    bias=st.booleans(),
    least=st.sampled_from([(0, 0), (0, 9), (9, 0), (9, 9)]),
)
@settings(deadline=None, max_examples=250)
def test_convolutions_are_torchs(kernel, stride, border, size, channels, layout, bias, least) -> None:
    torch.manual_seed(0)
    if border == "same":
        stride, kernel = (1, 1), (kernel[0] | 1, kernel[1] | 1)
    plain = nn.Conv2d(*channels, kernel, stride, border, bias=bias)
    plain, fast = plain.double(), lean(copy.deepcopy(plain)).double()
    images = torch.randn(3, channels[0], *size, dtype=torch.float64).to(memory_format=layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(products, "_enough_channels", lambda _dtype: least)
        found = passes(fast, images)
    for expected, ours in zip(passes(plain, images), found, strict=True):
        torch.testing.assert_close(ours, expected)
    with torch.no_grad():
        torch.testing.assert_close(fast(images), plain(images))


@pytest.mark.parametrize("channels", [2, 3, 12, 15, 16, 17, 24])
@pytest.mark.parametrize("stride", [2, (1, 3)])
def test_pixels_that_a_stride_leaves_out(channels: int, stride: int | tuple[int, int]) -> None:
    """Where torch itself writes outside its memory: a plain layer is asked without channels-last format."""
    torch.manual_seed(0)
    plain = nn.Conv2d(channels, 48, 1, stride)
    images = torch.randn(8, channels, 96, 96)
    found = passes(as_lean(plain).to(memory_format=torch.channels_last), images.to(memory_format=torch.channels_last))
    for expected, ours in zip(passes(plain, images), found, strict=True):
        assert float((expected - ours).norm() / expected.norm()) < 1e-4


@pytest.mark.parametrize("least", [(0, 0), (9, 9)])
def test_gradients_of_gradients_are_torchs(least: tuple[int, int], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_enough_channels", lambda _dtype: least)
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 5, 3, padding=1)
    fast = as_lean(plain)
    images, found = torch.randn(2, 3, 4, 4, dtype=torch.float64), []
    for layer in (plain.double(), fast.double()):
        leaf = images.clone().requires_grad_()
        penalty = layer(leaf).sin().sum()
        gradients = torch.autograd.grad(penalty, [leaf, layer.weight], create_graph=True)
        squared = sum(gradient.square().sum() for gradient in gradients)
        found.append(torch.autograd.grad(squared, [leaf, layer.weight]))
    for expected, ours in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected)


@pytest.mark.parametrize(
    ("layer", "shape"),
    [
        (nn.Conv2d(3, 5, 3), (2, 5, 4, 4)),
        (nn.Conv2d(3, 5, 3), (2, 3, 1, 4)),
        (nn.Conv2d(3, 5, 3), (2, 3, 1, 1)),
        (nn.Conv2d(3, 5, 1), (2, 5, 4, 4)),
        (nn.Conv2d(3, 5, 1), (2, 3, 0, 4)),
        (nn.Conv2d(3, 5, 1, 2), (2, 5, 4, 4)),
        (nn.Conv2d(3, 5, 1, 2), (2, 3, 4, 0)),
    ],
)
def test_images_that_do_not_fit_are_refused_in_torchs_words(
    layer: nn.Conv2d, shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(products, "_enough_channels", lambda _dtype: (0, 0))
    said = []
    for one in (layer, as_lean(layer)):
        with pytest.raises(RuntimeError) as refusal:
            one(torch.zeros(shape))
        said.append(str(refusal.value))
    assert said[0] == said[1]


@pytest.mark.parametrize(
    ("layer", "kind"),
    [
        (nn.Conv2d(2, 3, 1), LeanPointwiseConv2d),
        (nn.Conv2d(2, 3, 1, 2), LeanPointwiseConv2d),
        (nn.Conv2d(2, 3, 1, 2, dilation=2), LeanPointwiseConv2d),
        (nn.Conv2d(2, 3, 1, padding=1), None),
        (nn.Conv2d(2, 3, 3, 2, 1), LeanConv2d),
        (nn.Conv2d(2, 3, 3, padding="same"), LeanConv2d),
        (nn.Conv2d(2, 3, (3, 2), padding="same"), None),
        (nn.Conv2d(2, 3, 3, dilation=2), None),
        (nn.Conv2d(2, 3, 3, padding=1, padding_mode="reflect"), None),
        (nn.Conv2d(4, 4, 3, groups=2), None),
        (nn.Conv2d(4, 4, 3, groups=4), LeanDepthwiseConv2d),
        (nn.Conv2d(4, 4, (2, 3), padding="same", groups=4), None),
        (nn.Conv2d(4, 4, 3, 2, groups=4), LeanDepthwiseConv2d),
        (nn.Conv2d(4, 8, 5, groups=4), LeanDepthwiseConv2d),
        (nn.Conv2d(4, 8, 5, groups=2), None),
        (nn.Conv2d(2, 3, 5), None),
        (nn.Conv2d(2, 3, 3).double(), None),
        (nn.Linear(8, 8).double(), None),
        (nn.Linear(256, 256), LeanLinear),
        (nn.Linear(256, 257), None),
        (type("Own", (nn.Linear,), {})(2, 3), None),
        (type("Own", (nn.Conv2d,), {})(2, 3, 1), None),
    ],
)
def test_only_what_is_known_is_computed_otherwise(layer: nn.Module, kind: type[nn.Module] | None) -> None:
    wanted = kind or type(layer)
    assert type(lean(layer)) is wanted


@pytest.mark.parametrize(
    "layer",
    [
        nn.Conv2d(64, 8, 1),
        nn.Conv2d(64, 8, 3, padding=1, bias=False),
        nn.Conv2d(64, 8, 3, 2),
        nn.Conv2d(64, 8, 3),
        nn.Conv2d(64, 64, 3, 2, 1, groups=64),
        nn.Conv2d(64, 128, 5, padding="same", groups=64),
    ],
)
@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("tiles", [False, True])
def test_in_bfloat16_nothing_is_further_from_the_truth(
    layer: nn.Conv2d, layout: torch.memory_format, tiles: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    torch.manual_seed(0)
    layer.reset_parameters()
    monkeypatch.setattr(products, "_has_tiles", lambda: tiles)
    if tiles:
        monkeypatch.setattr(products, "_enough_channels", lambda _dtype: (0, 0))
    images = torch.randn(4, 64, 6, 6).to(memory_format=layout)
    plain, fast = errors(layer, images), errors(as_lean(layer), images)
    assert all(ours <= 2 * theirs for ours, theirs in zip(fast, plain, strict=True))
    assert passes(as_lean(layer), images, amp=True)[0].dtype == torch.bfloat16


def test_small_dense_layers_are_exact_where_others_round() -> None:
    torch.manual_seed(0)
    layer, x = nn.Linear(100, 10), torch.randn(7, 100)
    assert max(errors(layer, x)) > 1e-3
    assert max(errors(as_lean(layer), x)) < 1e-5
    assert passes(as_lean(layer), x.bfloat16(), amp=True)[0].dtype == torch.float32


@pytest.mark.parametrize(
    ("layer", "pixels", "product"),
    [
        (nn.Conv2d(64, 8, 1, 2), 12, True),
        (nn.Conv2d(64, 8, 1, 2), 13, False),
        (nn.Conv2d(64, 8, 3, padding=1), 6, True),
        (nn.Conv2d(64, 8, 3, padding=1), 7, False),
        (nn.Conv2d(32, 8, 3, padding=1), 4, True),
        (nn.Conv2d(32, 8, 3, padding=1), 5, False),
        (nn.Conv2d(128, 8, 3, padding=1), 8, True),
        (nn.Conv2d(128, 8, 3, padding=1), 9, False),
        (nn.Conv2d(8, 8, 1), 16, True),
        (nn.Conv2d(8, 8, 1), 17, False),
    ],
)
def test_products_are_for_few_pixels(
    layer: nn.Conv2d, pixels: int, product: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the names of what autograd goes back through."""
    monkeypatch.setattr(products, "_has_tiles", lambda: True)
    images = torch.randn(2, layer.in_channels, pixels, pixels).to(memory_format=torch.channels_last)
    with torch.autocast("cpu", torch.bfloat16):
        y = as_lean(layer)(images)
        assert (y.grad_fn.name() != "ConvolutionBackward0") is product
        frozen = as_lean(layer).requires_grad_(False)(images)
    assert frozen.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("has", "wide"),
    [
        ({"sse4a": True, "avx512_f": True, "avx2": True}, True),
        ({"sse4a": True, "avx512_f": False, "avx2": True}, False),
        ({"sse4a": False, "avx512_f": True, "avx2": True}, False),
        ({}, False),
    ],
)
def test_wide_vectors_of_amd_are_told_by_what_the_processor_has(
    has: dict[str, bool], wide: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert IS_WIDE_AMD.__wrapped__() is wide


@pytest.mark.parametrize("layer", [nn.Conv2d(8, 8, 1), nn.Conv2d(8, 8, 1, 2), nn.Conv2d(8, 8, 3, padding=1)])
def test_where_products_are_slow_in_float32_there_are_none(layer: nn.Conv2d, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(products, "_is_wide_amd", lambda: True)
    images, fast = torch.randn(2, 8, 2, 2), as_lean(layer)
    assert fast(images).grad_fn.name() == "ConvolutionBackward0"
    for expected, found in zip(passes(layer, images), passes(fast, images), strict=True):
        torch.testing.assert_close(found, expected)
    with torch.autocast("cpu", torch.bfloat16):
        assert fast(images).grad_fn.name() != "ConvolutionBackward0"


def test_a_layer_that_is_watched_or_comes_twice() -> None:
    torch.manual_seed(0)
    shared, watched = nn.Conv2d(2, 2, 3, padding=1), nn.Linear(8, 3)
    seen: list[Tensor] = []
    watched.register_forward_hook(lambda _module, _inputs, output: seen.append(output))
    plain = nn.Sequential(shared, shared, nn.Flatten(), watched)
    fast = lean(copy.deepcopy(plain))
    assert fast[0] is fast[1]
    assert type(fast[0]) is LeanConv2d
    assert type(fast[3]) is nn.Linear
    images = torch.randn(5, 2, 2, 2)
    for expected, found in zip(passes(plain, images), passes(fast, images), strict=True):
        torch.testing.assert_close(found, expected)


def test_dense_layers_that_feed_strangers_keep_their_format() -> None:
    class Gate(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body, self.gate = nn.Linear(12, 512), nn.Sequential(nn.Linear(512, 4), nn.ReLU())

        def forward(self, x: Tensor) -> Tensor:
            h = self.body(x.flatten(1))
            gated = h[:, :4].clone()
            gated[1:] = self.gate(h[1:])
            return gated

    for model in (Gate(), nn.Sequential(Gate(), nn.Linear(4, 2))):
        with torch.autocast("cpu", torch.bfloat16):
            assert lean(model)(torch.randn(3, 3, 2, 2)).dtype == torch.bfloat16


def gradients(model: nn.Module, images: Tensor) -> list[Tensor]:
    logits = model.eval()(images)
    functional.cross_entropy(logits, torch.arange(len(images)) % 3).backward()
    return [logits.detach(), *(weight.grad for weight in model.parameters() if weight.grad is not None)]


def compare(name: str) -> None:
    torch.manual_seed(0)
    size = max(find(name).min_size or 0, 32)
    plain = build(ModelSpec(name=name), 3, 3, size).to(memory_format=torch.channels_last)
    plain, fast = plain.double(), lean(copy.deepcopy(plain)).double()
    images = torch.randn(3, 3, size, size, dtype=torch.float64).to(memory_format=torch.channels_last)
    for expected, found in zip(gradients(plain, images), gradients(fast, images), strict=True):
        scale = expected.abs().max().clamp(min=1e-12)
        assert float((found - expected).abs().max() / scale) < 1e-6, name


@pytest.mark.parametrize("name", ["mobilenet-keras", "resnet20", "resnet50-2015", "airbench94"])
def test_networks_are_what_they_were(name: str) -> None:
    compare(name)


@pytest.mark.slow
def test_all_networks_of_ours_are_what_they_were() -> None:
    for name in expand("*"):
        compare(name)
