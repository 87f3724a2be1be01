"""The parts of the loop, each against a reference of its own."""

import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from toys import CPU, toy_images, toy_network

from bakeoff.data.imageset import ImageSet
from bakeoff.data.pipeline import Part, TrainBatches
from bakeoff.data.preprocess import Preprocess
from bakeoff.specs.recipe import OptimizerSpec, Recipe, ScheduleSpec
from bakeoff.training import optimizers
from bakeoff.training.adam import Adam, Adamax, AdamW
from bakeoff.training.checkpoint import Autosave, Checkpoints
from bakeoff.training.hard_examples import Proxy
from bakeoff.training.lr_finder import LRCurve, find_lr
from bakeoff.training.precision import Precision
from bakeoff.training.schedules import Schedule
from bakeoff.training.selection import Selection
from bakeoff.training.step import Step


def rates(steps: int = 100, **fields: object) -> np.ndarray:
    schedule = Schedule(ScheduleSpec.parse(fields), 0.1, 10, steps)
    return np.array([schedule.lr(step) for step in range(steps)])


def test_cosine_is_torchs():
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], 0.1)
    reference = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 100, eta_min=0.01)
    expected = []
    for _ in range(100):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        reference.step()
    np.testing.assert_allclose(rates(name="cosine", final=0.1), expected, rtol=1e-6)


def test_step_divides_at_its_epochs():
    found = rates(name="step", step_epochs=3, gamma=0.1)
    assert found[29] == pytest.approx(0.1)
    assert found[30] == pytest.approx(0.01)
    assert found[60] == pytest.approx(0.001)


def test_onecycle_rises_to_its_peak_and_falls():
    found = rates(name="onecycle", peak=0.25)
    assert found.argmax() == 25
    assert found[25] == pytest.approx(0.1)
    assert found[0] == pytest.approx(0.1 / 25)
    assert (np.diff(found[25:]) < 0).all()
    assert rates(name="onecycle", start=0.5)[0] == pytest.approx(0.05)


def test_warmup_rises_linearly_and_the_schedule_follows():
    found = rates(name="linear", warmup_epochs=1)
    np.testing.assert_allclose(found[:10], 0.1 * np.arange(1, 11) / 11)
    assert found[10] == pytest.approx(0.1)
    assert found[99] == pytest.approx(0.1 / 90)


def test_a_schedule_follows_the_time_where_it_is_ahead():
    schedule = Schedule(ScheduleSpec.parse({"name": "linear"}), 1.0, 10, 100)
    assert schedule.lr(10, spent=0.0) == pytest.approx(0.9)
    assert schedule.lr(10, spent=0.5) == pytest.approx(0.5)


def test_plateau_follows_the_printed_log_of_a_keras_training():
    """ResNet50 of document A: the printed validation losses, and the epochs after which Keras reduced the rate."""
    spec = ScheduleSpec.parse({"name": "plateau", "gamma": 0.3, "patience": 1, "min_lr": 1e-5})
    schedule = Schedule(spec, 1e-3, 2500, 2500 * 12)
    reduced = []
    losses = [0.3185, 0.2839, 0.2749, 0.2581, 0.2487, 0.2487, 0.2247, 0.2256, 0.2234, 0.22335]
    for epoch, loss in enumerate(losses, 1):
        before = schedule.lr(epoch * 2500 - 1)
        schedule.epoch_ended(loss, 0.9)
        if schedule.lr(epoch * 2500) < before:
            reduced.append((epoch, schedule.lr(epoch * 2500)))
    assert [epoch for epoch, _ in reduced][:2] == [6, 8]
    assert reduced[0][1] == pytest.approx(3e-4)
    assert reduced[1][1] == pytest.approx(9e-5)


def test_plateau_keeps_to_its_least_rate():
    spec = ScheduleSpec.parse({"name": "plateau", "gamma": 0.01, "patience": 3, "min_lr": 1e-5})
    schedule = Schedule(spec, 1e-3, 1, 100)
    for _ in range(12):
        schedule.epoch_ended(1.0, None)
    assert schedule.lr(50) == pytest.approx(1e-5)


def test_selection_prefers_the_lower_loss_of_two_equal_accuracies():
    model = toy_network()
    selection = Selection(Recipe.parse({"monitor": "val_accuracy"}))
    for epoch, loss in enumerate([0.5, 0.4, 0.45], 1):
        selection.epoch_ended(epoch, model, loss, 0.9)
    assert selection.best_epoch == 2


def test_selection_keeps_a_copy_and_not_the_weights_themselves():
    model = toy_network()
    selection = Selection(Recipe.parse({"monitor": "val_loss"}))
    selection.epoch_ended(1, model, 0.1, 0.9)
    best = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.add_(1)
    selection.epoch_ended(2, model, 0.2, 0.95)
    selection.restore_best(model)
    assert all(torch.equal(best[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("name", ["sgd", "adam", "adamw", "adamax", "rmsprop"])
def test_weight_decay_leaves_biases_and_norms_alone_unless_asked(name: str):
    model = toy_network()
    spec = OptimizerSpec.parse({"name": name, "weight_decay": 0.1})
    groups = optimizers.build(model, spec).param_groups
    decayed = {id(p) for group in groups if group["weight_decay"] for p in group["params"]}
    assert decayed == {id(p) for p in model.parameters() if p.ndim > 1}
    everything = optimizers.build(model, spec.model_copy(update={"decay_bias_and_norm": True})).param_groups
    assert [group["weight_decay"] for group in everything] == [0.1]


@pytest.mark.parametrize("decay", [0.0, 0.1])
@pytest.mark.parametrize("kind", [Adam, AdamW, Adamax])
def test_adam_and_its_kin_are_torchs(kind: type[Adam | Adamax], decay: float):
    torch.manual_seed(0)
    shapes = [(8, 3, 3, 3), (5,), (4, 70)]
    ours, theirs = ([nn.Parameter(torch.ones(shape)) for shape in shapes] for _ in range(2))
    for first in (ours[0], theirs[0]):
        first.data = first.data.to(memory_format=torch.channels_last)
    one = kind([{"params": ours[:2], "weight_decay": decay}, {"params": ours[2:]}], 0.01, (0.9, 0.99), 1e-7)
    groups = [{"params": theirs[:2], "weight_decay": decay}, {"params": theirs[2:], "weight_decay": 0.0}]
    fused = {} if kind is Adamax else {"fused": True}
    other = getattr(torch.optim, kind.__name__)(groups, 0.01, (0.9, 0.99), 1e-7, **fused)
    for step in range(60):
        for left, right in zip(ours, theirs, strict=True):
            right.grad = torch.randn_like(right) * (step % 7)
            left.grad = right.grad.clone()
        if step < 5:  # some have no gradient at first
            ours[1].grad = theirs[1].grad = None
        one.step()
        other.step()
        one.zero_grad()
    rounding = {"rtol": 1e-6, "atol": 1e-7} if kind is Adamax else {"rtol": 0, "atol": 0}
    for left, right in zip(ours, theirs, strict=True):
        torch.testing.assert_close(left, right, **rounding)
        assert one.state[left].keys() == other.state[right].keys()
        for name, value in one.state[left].items():
            torch.testing.assert_close(value, other.state[right][name], **rounding)


@pytest.mark.parametrize("kind", [Adam, AdamW, Adamax])
def test_what_decays_to_nothing_becomes_nothing(kind: type[Adam | Adamax]):
    """Numbers whose exponents have ended are slow, and would stay: 0.9 of the smallest is the smallest."""
    ours, theirs = nn.Parameter(torch.ones(3)), nn.Parameter(torch.ones(3))
    one = kind([{"params": [ours]}], 0.01, (0.9, 0.95), 1e-7)
    other = getattr(torch.optim, kind.__name__)([theirs], 0.01, (0.9, 0.95), 1e-7, weight_decay=0)
    for step in range(2100):
        gradient = torch.tensor([1e-3, 1e-12, 1.0]) * (step < 10)
        gradient[2] = 1.0
        ours.grad, theirs.grad = gradient, gradient.clone()
        one.step()
        other.step()
        least = min(value[value > 0].min() for name, value in one.state[ours].items() if name != "step")
        assert least > torch.finfo(torch.float32).tiny
    assert one.state[ours]["exp_avg"].tolist()[:2] == [0, 0]
    assert 0 < other.state[theirs]["exp_avg"][0] < torch.finfo(torch.float32).tiny
    torch.testing.assert_close(ours, theirs, rtol=1e-6, atol=0)


def test_frozen_weights_are_left_out_of_the_optimizer():
    model = toy_network()
    next(model.parameters()).requires_grad_(False)
    count = sum(len(group["params"]) for group in optimizers.build(model, OptimizerSpec.parse({})).param_groups)
    assert count == len(list(model.parameters())) - 1


def test_normalization_has_a_rate_of_its_own_and_the_same_decay():
    model = toy_network()
    fields = {"name": "sgd", "lr": 0.1, "weight_decay": 0.01, "decay_bias_and_norm": True, "norm_lr": 4}
    other, norm = optimizers.build(model, OptimizerSpec.parse(fields)).param_groups
    assert {id(weight) for weight in norm["params"]} == {id(weight) for weight in model[1].parameters()}
    assert (other["rate"], norm["rate"]) == (1, 4)
    assert norm["rate"] * norm["weight_decay"] == other["rate"] * other["weight_decay"] == 0.01


def test_a_proxy_picks_the_images_of_the_largest_losses_and_learns_from_them_in_its_turn():
    recipe = Recipe.parse({"batch_size": 30, "hard_examples": {"keep": 0.3, "every": 2}})
    proxy = Proxy(toy_network(), lambda images: images.permute(0, 3, 1, 2) / 255, recipe, Precision("off", CPU))
    proxy.model[3].p = 0.0  # without dropout, so that losses can be computed again
    batch = next(TrainBatches(Part(toy_images(), np.arange(150), CPU), 30, [], 0).epoch(0))
    with torch.no_grad():
        logits = proxy.model(batch.images.permute(0, 3, 1, 2) / 255)
        losses = nn.functional.cross_entropy(logits, batch.targets, reduction="none")
    hardest = losses.argsort(descending=True)[:9]
    before = proxy.model[0].weight.detach().clone()
    for step, learns in ((1, False), (2, True)):
        picked = proxy.pick(batch, 0.1, step)
        assert torch.equal(picked.targets, batch.targets[hardest])
        assert torch.equal(picked.images, batch.images[hardest])
        assert torch.equal(proxy.model[0].weight, before) != learns


def range_test(images: ImageSet) -> LRCurve:
    part = Part(images, np.arange(150), CPU)
    prepare = Preprocess(part.shape, "dataset", part.channel_statistics(), 1, 8, CPU)
    recipe = Recipe.parse({"optimizer": {"name": "sgd"}, "amp": "off"})
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(64, 3))
    step = Step(model, optimizers.build(model, recipe.optimizer), prepare, recipe, Precision("off", CPU), 32)
    return find_lr(step, TrainBatches(part, 32, [], 0), highest=1e4)


def test_the_range_test_finds_a_rate_that_trains():
    curve = range_test(toy_images())
    assert 1e-3 < curve.suggestion < 1
    assert curve.losses[curve.rates.searchsorted(curve.suggestion)] < curve.losses[0]


def test_the_range_test_ends_where_the_loss_explodes():
    images = toy_images()
    chance = replace(images, labels=np.random.default_rng(0).permutation(images.labels))
    curve = range_test(chance)
    assert len(curve.rates) == len(curve.losses) < 200
    assert curve.rates[-1] < 1e4


@pytest.mark.parametrize("size", [10**6, 10**9])
def test_the_first_save_waits_longer_where_it_will_take_longer(tmp_path, size: int):
    class State:
        steps = 1
        tensors = staticmethod(lambda: {"weights": torch.empty(size // 4, device="meta")})

    saves: list[int] = []
    autosave = Autosave(Checkpoints(tmp_path, "toy"))
    autosave.now = saves.append
    for seconds, expected in ((29, 0), (2, int(size < 10**9)), (500, 1 + int(size < 10**9))):
        autosave._last -= seconds
        autosave.if_due(State())
        assert len(saves) == expected


LOSSES = [1.0, 0.5, 0.6, 0.7, 0.65, 0.4, 0.45, 0.46, 0.47, 0.48]


@pytest.mark.parametrize("cut", range(len(LOSSES)))
def test_selection_patience_and_plateau_go_on_from_any_epoch(cut: int):
    """The state goes through JSON, as in a checkpoint."""
    recipe = Recipe.parse({"monitor": "val_loss", "early_stopping": 4, "schedule": {"name": "plateau", "patience": 2}})
    model = nn.Linear(1, 1)

    def play(losses: list[tuple[int, float]], selection: Selection, schedule: Schedule) -> list[tuple[object, ...]]:
        seen = []
        for epoch, loss in losses:
            selection.epoch_ended(epoch, model, loss, 0.5)
            schedule.epoch_ended(loss, 0.5)
            seen.append((selection.best_epoch, selection.should_stop, schedule.lr(epoch)))
        return seen

    def fresh() -> tuple[Selection, Schedule]:
        return Selection(recipe), Schedule(recipe.schedule, 0.1, 1, len(LOSSES))

    epochs = list(enumerate(LOSSES, 1))
    first, second = fresh(), fresh()
    seen = play(epochs[:cut], *first)
    states = [json.loads(json.dumps(part.state())) for part in first]
    second[0].restore(states[0], first[0].weights)
    second[1].restore(states[1])
    assert seen + play(epochs[cut:], *second) == play(epochs, *fresh())
