import copy

import pytest
import torch
from torch import nn
from torch.nn import functional

from bakeoff.models.library import build, expand, find
from bakeoff.run.deterministic import deterministic
from bakeoff.specs.model import ModelSpec
from bakeoff.training.engines import make_ready, resolve_engine
from bakeoff.training.lean import LeanDropout, LeanMaxPool2d, lean


def small(name: str) -> tuple[nn.Module, int]:
    torch.manual_seed(0)
    size = max(find(name).min_size or 0, 32)
    return build(ModelSpec(name=name), 3, 3, size).to(memory_format=torch.channels_last), size


@pytest.mark.parametrize("name", ["simcnn", "leaky-cnn-deep", "vgg-small", "lenet5"])
def test_lean_layers_give_the_same_outputs_and_gradients(name: str) -> None:
    plain, size = small(name)
    fast = lean(copy.deepcopy(plain))
    assert list(fast.state_dict()) == list(plain.state_dict())
    assert repr(fast) != repr(plain), "nothing was replaced"
    images = torch.randn(4, 3, size, size).to(memory_format=torch.channels_last)
    gradients = []
    for model in (plain, fast):
        model.eval()
        logits = model(images)
        functional.cross_entropy(logits, torch.tensor([0, 1, 2, 0])).backward()
        gradients.append((logits.detach(), [weight.grad for weight in model.parameters()]))
    (logits, expected), (fast_logits, found) = gradients
    assert torch.equal(logits, fast_logits)
    for one, other in zip(expected, found, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("activation", [nn.ReLU(), nn.ReLU6(), nn.LeakyReLU(0.1)])
def test_pooling_windows_may_overlap_and_be_padded(activation: nn.Module) -> None:
    torch.manual_seed(0)
    plain = nn.Sequential(nn.Conv2d(2, 4, 3), nn.Sequential(nn.BatchNorm2d(4), activation), nn.MaxPool2d(3, 2, 1))
    images = 3 * torch.randn(2, 2, 11, 11)
    fast = lean(copy.deepcopy(plain))
    assert isinstance(fast[1][1], nn.Identity)
    assert torch.equal(fast(images), plain(images))


@pytest.mark.parametrize("pool", [nn.MaxPool2d(2), nn.MaxPool2d((2, 3), (3, 3)), nn.MaxPool2d(3)])
@pytest.mark.parametrize("shape", [(2, 5, 12, 12), (3, 4, 13, 11), (4, 9, 9)])
@pytest.mark.parametrize("layout", [torch.channels_last, torch.contiguous_format])
def test_pooling_in_bfloat16_has_torchs_gradients(
    pool: nn.MaxPool2d, shape: tuple[int, ...], layout: torch.memory_format
) -> None:
    torch.manual_seed(0)
    fast = lean(nn.Sequential(copy.deepcopy(pool)))
    assert isinstance(fast[0], LeanMaxPool2d)
    # Few values, so that many windows have several largest elements, and some have none that is a number.
    images = torch.randint(-2, 3, shape).bfloat16()
    images[..., :3, 0] = torch.nan
    images = images.to(memory_format=layout) if len(shape) == 4 else images
    found = []
    for layer in (pool, fast):
        leaf = images.clone(memory_format=torch.preserve_format).requires_grad_()
        pooled = layer(leaf)
        upstream = torch.linspace(-3, 5, pooled.numel()).bfloat16().view(pooled.shape)
        found.append((pooled, *torch.autograd.grad(pooled, leaf, upstream)))
    for expected, ours in zip(*found, strict=True):
        assert ours.stride() == expected.stride()
        assert torch.equal(ours.nan_to_num(9), expected.nan_to_num(9))


def test_pooling_may_be_asked_for_determinism() -> None:
    layer, images = lean(nn.Sequential(nn.MaxPool2d(2))), torch.ones(1, 1, 4, 4, dtype=torch.bfloat16)
    with deterministic(True):
        layer(images.requires_grad_()).sum().backward()
    assert images.grad is not None
    assert images.grad.sum() == 4


@pytest.mark.parametrize(
    "pool",
    [
        nn.MaxPool2d(3, 2),
        nn.MaxPool2d([2, 3], [3, 2]),
        nn.MaxPool2d(2, padding=1),
        nn.MaxPool2d(2, dilation=2),
        nn.MaxPool2d(2, ceil_mode=True),
    ],
)
def test_windows_that_overlap_or_leave_the_image_are_torchs(pool: nn.MaxPool2d) -> None:
    assert type(lean(nn.Sequential(pool))[0]) is nn.MaxPool2d


def test_what_is_set_to_evaluate_evaluates() -> None:
    model = nn.Sequential(nn.Dropout(0.5), nn.Flatten(), nn.Linear(4, 3)).eval()
    x = torch.randn(2, 1, 2, 2)
    assert torch.equal(lean(copy.deepcopy(model))(x), model(x))


def test_an_activation_that_falls_somewhere_stays_before_the_pooling() -> None:
    model = nn.Sequential(nn.BatchNorm2d(2), nn.GELU(), nn.MaxPool2d(3, 2))
    assert repr(lean(copy.deepcopy(model))) == repr(model)


def test_what_an_activation_gives_is_not_written_over() -> None:
    row = lean(nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Sequential(nn.ReLU(inplace=True))))
    row(torch.randn(2, 1, 6, 6)).sum().backward()


def test_a_layer_that_somebody_watches_stays() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Dropout(0.5))
    seen = []
    for place in (1, 3):
        model[place].register_forward_hook(lambda _module, _inputs, output: seen.append(output.shape))
    lean(model)(torch.zeros(1, 1, 6, 6))
    assert seen == [(1, 2, 4, 4), (1, 2, 2, 2)]


def test_a_layer_that_comes_twice_stays_between_its_neighbours() -> None:
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 2, 3, padding=1)
    plain = nn.Sequential(conv, nn.ReLU(), conv, nn.MaxPool2d(2))
    images = torch.randn(2, 2, 8, 8)
    assert torch.equal(lean(copy.deepcopy(plain))(images), plain(images))


def test_a_row_that_does_more_than_run_its_layers_stays() -> None:
    class Seen(nn.Sequential):
        def forward(self, x: torch.Tensor) -> torch.Tensor:
            activated = self[1](self[0](x))
            return self[2](activated) + activated.mean()

    torch.manual_seed(0)
    plain = nn.Sequential(Seen(nn.Conv2d(2, 4, 3), nn.ReLU(), nn.MaxPool2d(2)))
    images = torch.randn(2, 2, 8, 8)
    assert torch.equal(lean(copy.deepcopy(plain))(images), plain(images))


@pytest.mark.parametrize("p", [0.1, 0.25, 0.5, 0.9])
@pytest.mark.parametrize("shape", [(7, 3, 5, 11), (63, 129)])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_dropout_drops_its_share_and_keeps_the_mean(p: float, shape: tuple[int, ...], dtype: torch.dtype) -> None:
    torch.manual_seed(1)
    x = torch.ones(shape, dtype=dtype)
    x = x.to(memory_format=torch.channels_last) if len(shape) == 4 else x
    layer = LeanDropout(p)
    drops = torch.zeros(shape)
    for _ in range(200):
        leaf = x.clone(memory_format=torch.preserve_format).requires_grad_()
        y = layer(leaf)
        assert y.stride() == x.stride()
        assert y.dtype == dtype
        y.sum().backward()
        assert leaf.grad is not None
        assert torch.equal(leaf.grad, y.detach()), "the gradient goes where the image went, scaled as it was"
        drops += (y == 0).float()
    # Every element by itself has its share of drops, within six standard deviations of a binomial.
    limit = 6 * (200 * p * (1 - p)) ** 0.5
    assert (drops - 200 * p).abs().max() <= limit
    assert y.max().item() == pytest.approx(1 / (1 - p), rel=1e-2)


def test_dropout_is_repeatable_and_off_while_evaluating() -> None:
    layer, x = LeanDropout(0.3), torch.randn(50, 20)
    first, second = (torch.manual_seed(5) and layer(x) for _ in range(2))
    assert torch.equal(first, second)
    assert not torch.equal(first, layer(x))
    assert layer.eval()(x) is x


def test_dropout_takes_what_lies_in_memory_with_gaps() -> None:
    x = torch.randn(6, 8)[:, ::2].requires_grad_()
    y = LeanDropout(0.5)(x)
    assert y.shape == (6, 4)
    assert set(((y / x).detach() * 1e3).round().int().unique().tolist()) <= {0, 2000}


def test_auto_is_a_rule() -> None:
    assert resolve_engine("auto", torch.device("cpu")) == "lean"
    assert resolve_engine("auto", torch.device("cuda")) == "eager"
    assert resolve_engine("eager", torch.device("cpu")) == "eager"


def test_no_network_changes_the_names_of_its_weights() -> None:
    for name in expand("*"):
        with torch.device("meta"):
            model, _ = small(name)
        before = list(model.state_dict())
        assert list(lean(model).state_dict()) == before, name


@pytest.mark.slow
def test_a_compiled_network_gives_the_same_logits_and_keeps_its_names() -> None:
    plain, size = small("simcnn")
    fast = make_ready(copy.deepcopy(plain), "compile")
    assert list(fast.state_dict()) == list(plain.state_dict())
    images = torch.randn(4, 3, size, size)
    torch.testing.assert_close(fast(images), plain(images))
