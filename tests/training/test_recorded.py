"""Recorded passes: whatever they repeat, training ends where it ends without them, to the last bit."""

import copy
from collections.abc import Callable, Iterator

import pytest
import torch
from torch import Tensor, nn
from toys import CPU, same, toy_network

from bakeoff.data.pipeline import Batch
from bakeoff.errors import InterruptedRunError
from bakeoff.models.library import build, expand, find
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import Recipe
from bakeoff.training import fit, optimizers, recorded
from bakeoff.training.engines import make_ready
from bakeoff.training.precision import Precision
from bakeoff.training.recorded import worth_recording
from bakeoff.training.step import Step

BATCH = 4


def steps_of(model: nn.Module, amp: str = "off", **fields: object) -> tuple[Step, Step]:
    """Return what takes steps of two copies of a network: as usual, and recorded."""
    recipe = Recipe.parse({"batch_size": BATCH, "optimizer": "adam", **fields})
    models = model, copy.deepcopy(model)
    made = [optimizers.build(each.train(), recipe.optimizer) for each in models]
    plain, repeated = (
        Step(each, optimizer, lambda images: images, recipe, Precision(amp, CPU), BATCH, recorded=each is models[1])
        for each, optimizer in zip(models, made, strict=True)
    )
    return plain, repeated


def figures(step: Step, batches: list[Batch]) -> Iterator[list[float]]:
    """Take steps, always with the same random numbers."""
    torch.manual_seed(1)
    for batch in batches:
        loss, correct = step(batch, 1e-3)
        yield [loss.item(), correct.item(), torch.rand(()).item()]


def batches_of(channels: int, size: int, counts: tuple[int, ...] = (BATCH, BATCH, 3, BATCH)) -> list[Batch]:
    torch.manual_seed(2)
    images = [torch.randn(count, channels, size, size).to(memory_format=torch.channels_last) for count in counts]
    return [Batch(each, torch.arange(len(each)) % 3) for each in images]


def train_alike(model: nn.Module, batches: list[Batch], amp: str = "off", **fields: object) -> Step:
    """Train both ways, and compare everything that is left; return the step that was to be recorded."""
    plain, repeated = steps_of(model, amp, **fields)
    assert list(figures(plain, batches)) == list(figures(repeated, batches))
    assert same(plain._model, repeated._model)
    for left, right in zip(plain._optimizer.state.values(), repeated._optimizer.state.values(), strict=True):
        assert all(torch.equal(left[name], right[name]) for name in left)
    return repeated


def is_recorded(step: Step) -> bool:
    return step._recorded is not None and step._recorded._operations is not None


def size_of(name: str) -> int:
    return max(find(name).min_size or 0, 32)


def is_recorded_alike(name: str) -> bool:
    torch.manual_seed(0)
    model = make_ready(build(ModelSpec(name=name), 3, 3, size_of(name)), "lean")
    model = model.to(memory_format=torch.channels_last)
    return is_recorded(train_alike(model, batches_of(3, size_of(name)), "bf16"))


@pytest.mark.parametrize(
    "name", ["simcnn", "leaky-cnn-dropout", "vgg-small", "lenet5", "airbench94", "resnet20", "mobilenet-keras"]
)
def test_networks_of_ours_are_recorded(name: str) -> None:
    """With dropout, batch normalization and connections past layers."""
    assert is_recorded_alike(name)


@pytest.mark.slow
def test_every_small_network_of_ours_is_recorded() -> None:
    recipe, count = Recipe.parse({"engine": "lean", "epochs": 1000}), 0
    for name in expand("*"):
        with torch.device("meta"):
            small = worth_recording(build(ModelSpec(name=name), 3, 3, size_of(name)), recipe, 100)
        assert not small or is_recorded_alike(name), name
        count += small
    assert count > 15


def test_in_float32_too() -> None:
    torch.manual_seed(0)
    model = make_ready(build(ModelSpec(name="leaky-cnn-dropout"), 3, 3, 32), "lean")
    assert is_recorded(train_alike(model.to(memory_format=torch.channels_last), batches_of(3, 32)))


@pytest.mark.parametrize("optimizer", ["adam", "adamax", {"name": "sgd", "lr": 0.1, "momentum": 0.9}, "muon"])
def test_gradients_may_be_changed_by_what_takes_them(optimizer: object) -> None:
    train_alike(toy_network(), batches_of(1, 8), optimizer=optimizer, clip_norm=0.1, label_smoothing=0.1)


def test_targets_may_be_shares_of_classes_in_some_batches() -> None:
    batches = batches_of(1, 8, (BATCH,) * 5)
    for place in (0, 2, 3):
        batches[place] = Batch(batches[place].images, torch.softmax(torch.randn(BATCH, 3), 1))
    step = train_alike(toy_network(), batches)
    assert is_recorded(step)


class Odd(nn.Module):
    """With a weight that is frozen, and perhaps one that has no part in the output."""

    def __init__(self, *unused: nn.Module) -> None:
        super().__init__()
        self.first, self.last, self.unused = nn.Linear(64, 64), nn.Linear(64, 3), nn.ModuleList(unused)
        self.last.bias.requires_grad_(False)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.first(images.flatten(1)).relu())


@pytest.mark.parametrize("amp", ["off", "bf16"])
@pytest.mark.parametrize("unused", [[], [nn.Linear(2, 2)]])
def test_weights_without_gradients_stay_without(unused: list[nn.Module], amp: str) -> None:
    torch.manual_seed(0)
    step = train_alike(Odd(*unused), batches_of(1, 8), amp)
    assert is_recorded(step) is not bool(unused)
    step._forward_backward(batches_of(1, 8)[0], 1.0)
    with_none = {name for name, weight in step._model.named_parameters() if weight.grad is None}
    assert with_none == {name for name, _ in step._model.named_parameters() if "last.bias" in name or "unused" in name}


def test_what_cannot_be_recorded_is_computed_as_usual() -> None:
    """The number is read behind batch normalization and dropout, which must not count twice."""

    class Reads(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            return x if x.sum().item() > 0 else x * 2

    model = nn.Sequential(*toy_network(), Reads())
    assert not is_recorded(train_alike(model, batches_of(1, 8)))


def test_a_fault_of_the_network_is_told_as_without() -> None:
    _, step = steps_of(nn.Sequential(nn.Flatten(), nn.Linear(5, 3)))
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied"):
        step(batches_of(1, 8)[0], 1e-3)


def test_memory_that_runs_short_later_makes_the_pieces_smaller(monkeypatch: pytest.MonkeyPatch) -> None:
    plain, repeated = steps_of(nn.Sequential(nn.Flatten(), nn.Linear(64, 3)), optimizer={"name": "sgd", "lr": 0.1})
    batches = batches_of(1, 8, (BATCH,) * 4)
    expected = list(figures(plain, batches))
    found = list(figures(repeated, batches[:2]))

    def short(*tensors: Tensor) -> None:
        raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")

    monkeypatch.setattr(repeated._recorded, "_operations", short)
    found += list(figures(repeated, batches[2:]))
    assert repeated.piece_size == BATCH // 2
    assert [figure[1] for figure in found] == [figure[1] for figure in expected]
    for left, right in zip(plain._model.parameters(), repeated._model.parameters(), strict=True):
        torch.testing.assert_close(left, right)


@pytest.mark.parametrize(
    ("change", "worth"),
    [
        ({}, True),
        ({"engine": "eager"}, False),
        ({"max_steps": 999}, False),
        ({"max_steps": 1000}, True),
        ({"head_epochs": 1}, False),
        ({"whiten_epochs": 1}, False),
        ({"progressive": {"scale": 0.5, "epochs": 1}}, False),
    ],
)
def test_only_long_trainings_of_steps_that_stay_the_same_are_worth_it(change: dict[str, object], worth: bool) -> None:
    recipe = Recipe.parse({"engine": "lean", "epochs": 10, **change})
    assert worth_recording(toy_network(), recipe, 100) is worth
    assert not worth_recording(toy_network(), recipe, 99)


def watched_weight() -> nn.Module:
    layer = nn.Linear(4, 4)
    layer.weight.register_post_accumulate_grad_hook(lambda _: None)
    return layer


def changed_gradient() -> nn.Module:
    layer = nn.Linear(4, 4)
    layer.weight.register_hook(lambda gradient: gradient)
    return layer


def watched() -> nn.Module:
    model = toy_network()
    model[0].register_forward_hook(lambda *_: None)
    return model


def other_forward() -> nn.Module:
    layer = nn.Linear(4, 4)
    layer.forward = lambda x: x
    return layer


def large() -> nn.Module:
    with torch.device("meta"):
        return nn.Linear(10_000, 1_001)


@pytest.mark.parametrize(
    "model",
    [
        watched,
        watched_weight,
        changed_gradient,
        other_forward,
        large,
        type("Strange", (nn.Module,), {"__module__": "bakeoffish.nets"}),
        lambda: nn.TransformerEncoderLayer(4, 2, activation=lambda x: x),
    ],
)
def test_networks_that_are_large_or_may_do_more_than_compute_are_not_recorded(model: Callable[[], nn.Module]) -> None:
    recipe = Recipe.parse({"engine": "lean", "epochs": 10})
    assert not worth_recording(nn.Sequential(nn.Linear(4, 4), model()), recipe, 100)
    assert worth_recording(nn.Sequential(nn.Linear(4, 4), nn.TransformerEncoderLayer(4, 2)), recipe, 100)


class Twice(nn.Module):
    """A layer that is gone through twice."""

    def __init__(self) -> None:
        super().__init__()
        self.layer, self.last = nn.Linear(64, 64), nn.Linear(64, 3)

    def forward(self, images: Tensor) -> Tensor:
        return self.last(self.layer(self.layer(images.flatten(1)).relu()))


@pytest.mark.parametrize("amp", ["off", "bf16"])
@pytest.mark.parametrize("two_names", [False, True])
def test_weights_that_are_used_twice(two_names: bool, amp: str) -> None:
    """Autocast casts them once, and a recording would twice, which other sums of gradients come from."""
    torch.manual_seed(0)
    shared = nn.Linear(64, 64)
    model = nn.Sequential(nn.Flatten(), shared, nn.ReLU(), shared, nn.Linear(64, 3)) if two_names else Twice()
    assert is_recorded(train_alike(model, batches_of(1, 8), amp)) is (amp == "off")


def test_a_training_ends_alike_also_when_it_was_cut_off(training, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = {"engine": "lean", "ema": 0.9, "augment": ["flip"], "optimizer": {"name": "adamw", "lr": 0.01}}
    whole, plain = training(**settings)()
    monkeypatch.setattr(recorded, "LEAST_STEPS", 1)
    seen: list[Step] = []
    monkeypatch.setattr(fit, "Step", lambda *args, **more: seen.append(Step(*args, **more)) or seen[-1])
    model, fitted = training(name="b", **settings)()
    assert same(model, whole)
    assert [row.train_loss for row in fitted.rows] == [row.train_loss for row in plain.rows]
    halved = training(name="c", **settings)
    with pytest.raises(InterruptedRunError):
        halved(stop_at=7)
    model, _ = halved()
    assert same(model, whole)
    assert all(map(is_recorded, seen))
    assert len(seen) == 3
