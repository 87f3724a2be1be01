"""Steps that are replayed: with a recorder that repeats the work on a CPU, as a GPU would."""

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from toys import CPU, Training, same, toy_images, toy_network

from bakeoff.data.pipeline import Batch, Part, TrainBatches
from bakeoff.data.preprocess import Preprocess
from bakeoff.errors import SpecError
from bakeoff.specs.recipe import Recipe
from bakeoff.training import graph, optimizers
from bakeoff.training.engines import resolve_engine
from bakeoff.training.graph import Figures
from bakeoff.training.precision import Precision
from bakeoff.training.step import Step

SGD = {"name": "sgd", "lr": 0.1}


def repeat(work: Callable[[], Figures]) -> tuple[Callable[[], None], Figures]:
    """Record by remembering: nothing is done yet, and every replay writes to the same two tensors."""
    figures = torch.zeros(()), torch.zeros((), dtype=torch.int64)

    def replay() -> None:
        for static, new in zip(figures, work(), strict=True):
            static.copy_(new)

    return replay, figures


def trained(folder: Path, monkeypatch: pytest.MonkeyPatch, record: object, **recipe: object):
    monkeypatch.setattr("bakeoff.training.fit.cuda_graph", record)
    return Training(folder, Recipe.parse({"epochs": 2, "batch_size": 32, "optimizer": SGD, "amp": "off", **recipe}))()


def test_replayed_steps_train_as_steps_that_are_taken(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Dropout, a schedule, a smaller last batch and an average of weights are among it."""
    replays = []

    def counted(work: Callable[[], Figures]) -> tuple[Callable[[], None], Figures]:
        replay, figures = repeat(work)
        return lambda: replays.append(replay()), figures

    eager, plain = trained(tmp_path / "a", monkeypatch, None, engine="eager", ema=0.9)
    model, fitted = trained(tmp_path / "b", monkeypatch, counted, engine="graph", ema=0.9)
    assert same(model, eager)
    assert [row.train_loss for row in fitted.rows] == [row.train_loss for row in plain.rows]
    assert [row.train_accuracy for row in fitted.rows] == [row.train_accuracy for row in plain.rows]
    assert len(replays) == 2 * 4 - graph.WARM_UP  # 150 images are four full batches of 32, and one that is smaller
    assert not fitted.deviations


def test_what_cannot_be_recorded_is_trained_as_usual_and_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(work: Callable[[], Figures]) -> None:
        raise RuntimeError("operation not permitted when stream is capturing\nmore")

    eager, _ = trained(tmp_path / "a", monkeypatch, None, engine="eager")
    model, fitted = trained(tmp_path / "b", monkeypatch, fails, engine="graph")
    assert same(model, eager)
    (deviation,) = fitted.deviations
    assert (deviation.what, deviation.wanted, deviation.got) == ("recipe.engine", "graph", "eager")
    assert deviation.why == "a step could not be recorded: operation not permitted when stream is capturing"


@pytest.mark.parametrize("optimizer", [SGD, "adam", "adamw"])
def test_nothing_in_a_step_waits_for_the_device(optimizer: object) -> None:
    """A number that the host reads would end a recording, and make a GPU idle without one."""

    class Watch(TorchDispatchMode):
        def __torch_dispatch__(self, function, types, args=(), kwargs=None):
            assert function.name() not in ("aten::_local_scalar_dense", "aten::nonzero", "aten::equal"), function
            return function(*args, **(kwargs or {}))

    recipe = Recipe.parse({"optimizer": optimizer, "clip_norm": 1.0, "label_smoothing": 0.1})
    part = Part(toy_images(), torch.arange(150).numpy(), CPU)
    model = toy_network().train()
    step = Step(
        model,
        optimizers.build(model, recipe.optimizer, on_device=True),
        Preprocess(part.shape, "dataset", part.channel_statistics(), 1, 8, CPU),
        recipe,
        Precision("bf16", CPU),
        32,
    )
    batch: Batch = next(iter(TrainBatches(part, 32, [], 0).epoch(0)))
    step(batch, 0.1)
    with Watch():
        step.whole(batch)


def test_rates_on_the_device_are_those_on_the_host() -> None:
    models = []
    for on_device in (False, True):
        model = toy_network().train()
        spec = Recipe.parse({"optimizer": {**SGD, "weight_decay": 0.1}}).optimizer
        optimizer = optimizers.build(model, spec, {model[7].weight: 0.5}, on_device=on_device)
        rates = [group["lr"] for group in optimizer.param_groups]
        for lr in (0.1, 0.03):
            torch.manual_seed(0)
            model(torch.ones(4, 1, 8, 8)).square().mean().backward()
            optimizers.set_lr(optimizer, lr)
            optimizer.step()
            optimizer.zero_grad()
        kept = [group["lr"] is rate for group, rate in zip(optimizer.param_groups, rates, strict=True)]
        assert all(kept) == on_device, "a recording reads the same tensors at every step"
        models.append(model)
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize(
    ("recipe", "why"),
    [
        ({"optimizer": "muon"}, "muon"),
        ({"amp": "fp16"}, "fp16"),
        ({"head_epochs": 1}, "head_epochs"),
        ({"whiten_epochs": 1}, "whiten_epochs"),
        ({"progressive": {"scale": 0.5, "epochs": 1}}, "progressive"),
        ({"optimizer": "adamax"}, ""),
    ],
)
def test_what_is_known_not_to_be_recorded(recipe: dict[str, object], why: str) -> None:
    assert why in graph.why_not(Recipe.parse(recipe)), graph.why_not(Recipe.parse(recipe))
    assert bool(why) == bool(graph.why_not(Recipe.parse(recipe)))


def test_a_cpu_replays_nothing() -> None:
    with pytest.raises(SpecError, match="engine 'graph' replays steps on a CUDA GPU, and the device is cpu"):
        resolve_engine("graph", CPU)
    assert resolve_engine("graph", torch.device("cuda")) == "graph"
