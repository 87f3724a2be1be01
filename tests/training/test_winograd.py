"""Convolutions with half of the multiplications: outputs and gradients are torch's, to rounding."""

import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from test_recorded import batches_of, is_recorded, train_alike
from torch import Tensor, nn
from torch.nn import functional

from bakeoff.models.library import build
from bakeoff.models.operations import counting_macs
from bakeoff.specs.model import ModelSpec
from bakeoff.training import winograd
from bakeoff.training.engines import make_ready
from bakeoff.training.lean import lean
from bakeoff.training.products import LeanConv2d
from bakeoff.training.windows import border_of


@pytest.fixture
def everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make it the way of all shapes that it can do, whatever the processor."""
    monkeypatch.setattr(winograd, "_has_narrow_vectors", lambda: True)
    for limit in ("LEAST_CHANNELS", "LEAST_PIXELS", "LEAST_WORK"):
        monkeypatch.setattr(winograd, limit, 0)
    monkeypatch.setattr(winograd, "MOST_SHARE", 9)


@pytest.fixture
def convolved(monkeypatch: pytest.MonkeyPatch) -> list[torch.Size]:
    """Return a list of what is convolved so from now on."""
    shapes: list[torch.Size] = []
    convolve = winograd.convolve

    def noted(x: Tensor, *others: Tensor) -> Tensor:
        shapes.append(x.shape)
        return convolve(x, *others)

    monkeypatch.setattr(winograd, "convolve", noted)
    return shapes


def fits(layer: nn.Conv2d, _x: Tensor) -> bool:
    return (layer.kernel_size, layer.stride, border_of(layer)) == ((3, 3), (1, 1), winograd.BORDER)


def random_case(count: int, channels: tuple[int, int], size: tuple[int, int], dtype: torch.dtype) -> list[Tensor]:
    torch.manual_seed(0)
    shapes = (count, channels[0], *size), (channels[1], channels[0], 3, 3), (channels[1],)
    return [torch.randn(shape, dtype=dtype).requires_grad_() for shape in shapes]


def torchs(x: Tensor, weight: Tensor, bias: Tensor | None) -> Tensor:
    return functional.conv2d(x, weight, bias, padding=1)


@given(
    count=st.integers(1, 4),
    channels=st.tuples(st.integers(1, 5), st.integers(1, 5)),
    size=st.tuples(st.integers(1, 14), st.integers(1, 6)),
    layout=st.sampled_from([torch.channels_last, torch.contiguous_format]),
    bias=st.booleans(),
    at_once=st.sampled_from([1, 200, 2**20]),
)
@settings(deadline=None, max_examples=250)
def test_output_and_gradients_are_torchs(count, channels, size, layout, bias, at_once) -> None:
    x, weight, offset = random_case(count, channels, size, torch.float64)
    images, offsets = x.to(memory_format=layout), offset if bias else None
    leaves = [x, weight, offset] if bias else [x, weight]
    upstream = torch.randn(count, channels[1], *size, dtype=torch.float64).to(memory_format=layout)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(winograd, "AT_ONCE", at_once)
        ours = winograd.convolve(images, weight, offsets)
        found = torch.autograd.grad(ours, leaves, upstream)
    expected = torchs(images, weight, offsets)
    torch.testing.assert_close(ours, expected)
    assert ours.is_contiguous(memory_format=torch.channels_last)
    for gradient, own in zip(torch.autograd.grad(expected, leaves, upstream), found, strict=True):
        torch.testing.assert_close(own, gradient)


def test_gradients_that_nobody_wants_are_not_needed() -> None:
    x, weight, bias = random_case(2, (3, 4), (6, 5), torch.float64)
    for of_bias in (False, True):
        ours = winograd.convolve(x.detach(), weight, bias.requires_grad_(of_bias)).square().sum()
        plain = torchs(x.detach(), weight, bias).square().sum()
        wanted = [weight, bias] if of_bias else [weight]
        for found, expected in zip(*(torch.autograd.grad(loss, wanted) for loss in (ours, plain)), strict=True):
            torch.testing.assert_close(found, expected)


def test_gradients_of_gradients_are_torchs() -> None:
    leaves, found = random_case(2, (3, 4), (6, 5), torch.float64), []
    for convolve in (winograd.convolve, torchs):
        penalty = convolve(*leaves).sin().sum()
        gradients = torch.autograd.grad(penalty, leaves, create_graph=True)
        found.append(torch.autograd.grad(sum(each.square().sum() for each in gradients), leaves))
    for ours, expected in zip(*found, strict=True):
        torch.testing.assert_close(ours, expected)


def test_in_float32_it_errs_far_less_than_shorter_formats_round() -> None:
    leaves = random_case(8, (128, 96), (16, 16), torch.float32)
    exact = [leaf.detach().double().requires_grad_() for leaf in leaves]
    upstream, passes = torch.randn(8, 96, 16, 16), []
    for convolve, wanted in ((winograd.convolve, leaves), (torchs, exact)):
        output = convolve(*wanted)
        passes.append([output.detach(), *torch.autograd.grad(output, wanted, upstream.to(output))])
    for ours, expected in zip(*passes, strict=True):
        assert float((ours - expected).norm() / expected.norm()) < 2e-6  # half of tf32's last bit is 5e-4


@pytest.mark.parametrize(
    ("layer", "shape", "faster"),
    [
        (nn.Conv2d(64, 64, 3, padding=1), (64, 64, 16, 16), True),
        (nn.Conv2d(64, 64, 3, padding="same"), (64, 64, 16, 16), True),
        (nn.Conv2d(256, 256, 3, padding=1), (32, 256, 8, 8), True),
        (nn.Conv2d(64, 64, 3, padding=1), (8, 64, 16, 16), False),  # little work
        (nn.Conv2d(512, 512, 3, padding=1), (16, 512, 7, 7), False),  # few pixels for so many kernels
        (nn.Conv2d(32, 256, 3, padding=1), (64, 32, 32, 32), False),  # few channels
        (nn.Conv2d(256, 32, 3, padding=1), (64, 256, 32, 32), False),
        (nn.Conv2d(256, 256, 3, padding=1), (200, 256, 5, 9), False),  # the lowest tile has one row of four
        (nn.Conv2d(256, 256, 3, padding=1), (200, 256, 7, 7), True),
        (nn.Conv2d(64, 64, 3), (64, 64, 16, 16), False),
        (nn.Conv2d(64, 64, 3, padding="valid"), (64, 64, 16, 16), False),
        (nn.Conv2d(64, 64, 3, padding=(1, 0)), (64, 64, 16, 16), False),
        (nn.Conv2d(64, 64, 3, 2, padding=1), (64, 64, 32, 32), False),
        (nn.Conv2d(64, 64, (3, 1), padding=(1, 0)), (64, 64, 16, 16), False),
        (nn.Conv2d(64, 64, 5, padding=2), (64, 64, 16, 16), False),
    ],
)
def test_where_it_is_faster(
    layer: nn.Conv2d, shape: tuple[int, ...], faster: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    x = torch.empty(shape)
    monkeypatch.setattr(winograd, "_has_narrow_vectors", lambda: True)
    assert winograd.is_faster(layer, x) is faster
    assert not winograd.is_faster(layer, x.double())
    monkeypatch.setattr(winograd, "_has_narrow_vectors", lambda: False)
    assert not winograd.is_faster(layer, x)


@pytest.mark.usefixtures("everywhere")
def test_only_what_trains_in_float32_is_convolved_so(convolved: list[torch.Size]) -> None:
    torch.manual_seed(0)
    plain = nn.Conv2d(3, 4, 3, padding=1)
    fast, images = lean(copy.deepcopy(plain)), torch.randn(2, 3, 8, 8)
    assert type(fast) is LeanConv2d
    with torch.no_grad():
        assert torch.equal(fast(images), plain(images))
    assert torch.equal(fast.eval()(images), plain(images))
    with torch.autocast("cpu", torch.bfloat16):
        assert torch.equal(fast.train()(images), plain(images))
    assert torch.equal(fast.requires_grad_(requires_grad=False)(images), plain(images))
    assert not convolved
    torch.testing.assert_close(fast.requires_grad_()(images), plain(images))
    assert convolved == [images.shape]


@pytest.mark.usefixtures("everywhere")
def test_recorded_passes_repeat_it_to_the_bit(convolved: list[torch.Size]) -> None:
    torch.manual_seed(0)
    convolutions = nn.Conv2d(3, 5, 3, padding=1), nn.ReLU(), nn.Conv2d(5, 4, 3, padding=1, bias=False)
    model = make_ready(nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(4 * 10 * 10, 3)), "lean")
    assert is_recorded(train_alike(model.to(memory_format=torch.channels_last), batches_of(3, 10)))
    assert len(convolved) == 2 * (
        4 + 2
    )  # all steps of one training; in the other the first, and a batch that is not full


@pytest.mark.parametrize("name", ["resnet20", "airbench94"])
def test_gradients_of_whole_networks_are_what_they_were(
    name: str, convolved: list[torch.Size], monkeypatch: pytest.MonkeyPatch
) -> None:
    """In float64: whether a ReLU lets something near zero through is decided by rounding."""
    monkeypatch.setattr(winograd, "is_faster", fits)
    torch.manual_seed(0)
    plain = build(ModelSpec(name=name), 3, 3, 32).train()
    fast, found = lean(copy.deepcopy(plain)), []
    images = torch.randn(6, 3, 32, 32, dtype=torch.float64)
    for model in (plain.double(), fast.double()):
        loss = functional.cross_entropy(model(images), torch.arange(6) % 3)
        found.append(torch.autograd.grad(loss, [weight for weight in model.parameters() if weight.requires_grad]))
    assert convolved
    for ours, expected in zip(*found, strict=True):
        assert float((ours - expected).norm()) < 1e-8 * float(expected.norm()) + 1e-12


def test_all_that_is_multiplied_is_counted() -> None:
    """By what a profile counts with: half of torch's, forward and for both gradients, and what kernels cost besides."""
    leaves, counted = random_case(2, (32, 32), (16, 16), torch.float32), []
    for convolve in (torchs, winograd.convolve):
        with counting_macs() as macs:
            torch.autograd.grad(convolve(*leaves).sum(), leaves)
        counted.append(macs())
    kernels = 3 * 6 * leaves[1].numel()  # forward, and on the way back for images and for kernels
    ends = 2 * 6 * 32 * 32  # the first or last pixel of all has no neighbour
    assert counted[1] == counted[0] // 2 + kernels - ends


@pytest.mark.parametrize(
    ("has", "narrow"),
    [
        ({"avx2": True, "avx512_f": False}, True),
        ({"avx2": True, "avx512_f": True}, False),
        ({"avx2": True, "avx10_1": True}, False),
        ({"avx2": False, "sse4_2": True}, False),
        ({"neon": True, "sve": True}, False),
    ],
)
def test_which_processors_it_is_for(has: dict[str, bool], narrow: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cpu, "get_capabilities", lambda: has)
    assert winograd._has_narrow_vectors.__wrapped__() is narrow


def test_images_go_through_a_few_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    x, weight, bias = random_case(7, (3, 4), (8, 4), torch.float32)
    sizes: list[int] = []
    at_points = winograd._images_at_points
    monkeypatch.setattr(winograd, "_images_at_points", lambda part: sizes.append(len(part)) or at_points(part))
    monkeypatch.setattr(winograd, "AT_ONCE", 3 * 4 * 8 * 4)
    (gradient,) = torch.autograd.grad(winograd.convolve(x, weight, bias).sum(), x)
    assert sizes == [3, 3, 1] * 2
    assert gradient.is_contiguous(memory_format=torch.channels_last)
