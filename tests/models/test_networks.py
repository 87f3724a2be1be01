"""The contract that every registered network keeps."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from bakeoff.errors import ModelError
from bakeoff.models import networks
from bakeoff.models.library import build
from bakeoff.specs.model import ModelSpec

CLASSES = 7
NAMES = list(networks)

# Every network, and every option that changes its shape.
VARIANTS = [
    *((name, {}) for name in NAMES),
    *((f"vgg{depth}", {"top": "classic"}) for depth in (11, 13, 16, 19)),
    ("vgg16-dense", {"last_pool": 1}),
    ("mobilenet-keras", {"alpha": 0.25}),
    ("mobilenet-keras", {"alpha": 1 / 32}),
]


def seeded(name: str, seed: int = 0, in_channels: int = 3) -> nn.Module:
    torch.manual_seed(seed)
    network = networks.get(name)
    return network.build(CLASSES, in_channels, network.min_size)


def images(name: str, batch: int = 4) -> torch.Tensor:
    size = networks.get(name).min_size
    return torch.randn(batch, 3, size, size, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("name", NAMES)
def test_every_weight_learns_and_precision_and_layout_do_not_matter(name):
    model = seeded(name)
    batch = images(name)

    logits = model(batch)
    assert logits.shape == (len(batch), CLASSES)
    assert logits.isfinite().all()
    functional.cross_entropy(logits, torch.arange(len(batch))).backward()
    for path, weight in model.named_parameters():
        assert weight.grad is not None, f"{path} has no part in the logits"
        assert weight.grad.isfinite().all(), path
        assert weight.grad.any(), f"{path} does not learn"

    model.eval()
    with torch.no_grad():
        expected = model(batch)
        model.to(memory_format=torch.channels_last)
        channels_last = model(batch.to(memory_format=torch.channels_last))
        assert (channels_last - expected).abs().max() <= 1e-4 * expected.abs().max()
    model.train()
    with torch.autocast("cpu", torch.bfloat16):
        logits = model(batch.to(memory_format=torch.channels_last))
    assert logits.shape == (len(batch), CLASSES)
    assert logits.isfinite().all()


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_decides_the_weights_and_they_survive_a_round_trip(name):
    first, second = seeded(name), seeded(name)
    for (path, weight), other in zip(first.state_dict().items(), second.state_dict().values(), strict=True):
        assert weight.equal(other), f"{path} is not drawn from torch's default generator"
    del second

    with torch.device("meta"):
        restored = seeded(name, seed=1)
    restored.load_state_dict(first.state_dict(), assign=True)
    with torch.no_grad():
        assert restored.eval()(images(name)).equal(first.eval()(images(name)))


@pytest.mark.parametrize(("name", "options"), VARIANTS)
def test_every_size_and_number_of_channels_gives_logits(name, options):
    least = networks.get(name).min_size
    larger = [(3, size) for size in (32, 45, 96, 224) if size > least]
    for in_channels, size in [(1, least), (3, least + 1), *larger]:
        with torch.device("meta"):
            model = build(ModelSpec(name=name, options=options), CLASSES, in_channels, size)
            assert model(torch.empty(2, in_channels, size, size)).shape == (2, CLASSES), size


@pytest.mark.parametrize("name", NAMES)
def test_smaller_images_are_refused(name):
    least = networks.get(name).min_size
    with pytest.raises(ModelError, match=f"at least {least}"):
        build(ModelSpec(name=name), CLASSES, 3, least - 1)


@pytest.mark.parametrize("name", NAMES)
def test_a_network_says_what_it_is(name):
    network = networks.get(name)
    assert network.summary.endswith("."), network.summary
    assert len(network.summary) <= 120
    assert network.source
