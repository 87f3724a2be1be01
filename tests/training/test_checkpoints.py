"""Checkpoints: training that was cut off anywhere goes on to the same end, and damage is noticed."""

import errno
from dataclasses import replace
from functools import partial

import pytest
import torch
from toys import same, toy_network

from bakeoff import durable
from bakeoff.errors import InterruptedRunError, StoreError
from bakeoff.evaluation.predict import predict
from bakeoff.records.run import EpochRow
from bakeoff.training import optimizers
from bakeoff.training.adam import Adam, Adamax
from bakeoff.training.checkpoint import Checkpoints
from bakeoff.training.fit import Notice


def timeless(rows: tuple[EpochRow, ...]) -> list[EpochRow]:
    return [replace(row, seconds=0, images_per_second=0) for row in rows]


@pytest.mark.parametrize("stop_at", [0, 1, 4, 5, 7, 9, 13])
def test_stopped_at_any_step_it_goes_on_to_bitwise_the_same_end(training, stop_at: int):
    settings = {
        "augment": ["flip", {"shift": 1}],
        "ema": 0.9,
        "optimizer": {"name": "adamw", "lr": 0.01, "weight_decay": 0.1},
        "schedule": {"name": "plateau", "patience": 1, "warmup_epochs": 0.5},
        "early_stopping": 3,
    }
    whole, expected = training(**settings)()
    halved = training(name="b", **settings)
    with pytest.raises(InterruptedRunError, match="the same command goes on"):
        halved(stop_at)
    model, fitted = halved()
    assert same(model, whole)
    assert timeless(fitted.rows) == timeless(expected.rows)
    assert fitted.best_epoch == expected.best_epoch


@pytest.mark.parametrize(
    ("name", "first", "off"),
    [
        ("adam", partial(torch.optim.Adam, fused=True), 0),
        ("adamw", partial(torch.optim.AdamW, fused=True), 0),
        ("adamax", torch.optim.Adamax, 1e-5),
        ("adamax", Adamax, 0),
    ],
)
def test_adam_and_its_kin_go_on_from_a_checkpoint_of_torchs(training, monkeypatch, name: str, first, off: float):
    settings = {"optimizer": {"name": name, "lr": 0.01, "weight_decay": 0.1}}
    whole, _ = training(**settings)()
    halved = training(name="b", **settings)
    monkeypatch.setitem(optimizers._ON_CPU, name, first)
    with pytest.raises(InterruptedRunError):
        halved(stop_at=8)
    monkeypatch.undo()
    model, _ = halved()
    assert isinstance(optimizers.build(model, halved.recipe.optimizer), Adam | Adamax)
    for left, right in zip(model.parameters(), whole.parameters(), strict=True):
        torch.testing.assert_close(left, right, rtol=off, atol=off)


def test_slow_weights_and_a_proxy_go_on_too(training):
    settings = {"lookahead": True, "hard_examples": {"every": 2}, "optimizer": {"name": "adamw", "lr": 0.01}}
    whole, halved = training(**settings), training(name="b", **settings)
    whole.proxy = halved.proxy = toy_network
    expected, _ = whole()
    with pytest.raises(InterruptedRunError):
        halved(stop_at=8)
    model, _ = halved()
    assert same(model, expected)


def flipped(content: bytes, place: int) -> bytes:
    return content[:place] + bytes([content[place] ^ 1]) + content[place + 1 :]


DAMAGE = {
    "a bit of the tensors": (".safetensors", lambda content: flipped(content, -1 + len(content))),
    "half of the tensors": (".safetensors", lambda content: content[: len(content) // 2]),
    "a description that is none": (".json", lambda _: b"{"),
    "a description of another type": (".json", lambda _: b"[1]"),
    "a bit of whose it is": (".json", lambda content: flipped(content, content.index(b'"toy"') + 1)),
    "a bit of the name of a field": (".json", lambda content: flipped(content, content.index(b'"run_id"') + 1)),
    "a digit of the description": (".json", lambda content: flipped(content, content.index(b'"steps": ') + 9)),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_checkpoint_is_passed_over_for_the_one_before_and_says_so(training, damage: str):
    whole, expected = training()()
    stopped = training(name="b")
    for stop_at in (3, 4):
        with pytest.raises(InterruptedRunError):
            stopped(stop_at)
    suffix, harm = DAMAGE[damage]
    newest = sorted(stopped.folder.glob(f"*{suffix}"))[-1]
    assert len(list(stopped.folder.glob("*.safetensors"))) == 2
    newest.write_bytes(harm(newest.read_bytes()))
    model, fitted = stopped()
    assert same(model, whole)
    assert timeless(fitted.rows) == timeless(expected.rows)
    (notice,) = (news.text for news in stopped.news if isinstance(news, Notice))
    assert notice.startswith("checkpoint 7 is damaged (")
    assert notice.endswith("; training goes on from checkpoint 3")


def test_rotation_keeps_the_whole_checkpoints_whatever_their_numbers(training):
    """Damaged checkpoints with higher numbers must not push out new ones."""
    stopped = training()
    for stop_at in (6, 1):
        with pytest.raises(InterruptedRunError):
            stopped(stop_at)
    for path in stopped.folder.glob("*.safetensors"):
        path.write_bytes(b"damaged")
    for stop_at in (2, 1):
        with pytest.raises(InterruptedRunError):
            stopped(stop_at)
        assert Checkpoints(stopped.folder, "toy").load() is not None
    assert sorted(path.stem.lstrip("0") for path in stopped.folder.glob("*.json")) == ["2", "3"]


def test_a_checkpoint_of_another_run_is_refused(training):
    stopped = training()
    with pytest.raises(InterruptedRunError):
        stopped(3)
    Checkpoints(stopped.folder, "other").save(4, {"weight": torch.ones(1)}, {})
    with pytest.raises(StoreError, match="is of run other, not toy"):
        stopped()


def test_an_interruption_while_validating_loses_nothing(training, monkeypatch):
    whole, _ = training(name="whole", epochs=2)()
    stopped, calls = training(epochs=2), iter(range(100))

    def interrupted(*given, **named):
        if next(calls) == 0:
            raise InterruptedRunError("stopped")
        return predict(*given, **named)

    monkeypatch.setattr("toys.predict", interrupted)
    with pytest.raises(InterruptedRunError):
        stopped()
    model, fitted = stopped()
    assert same(model, whole)
    assert [row.epoch for row in fitted.rows] == [1, 2]


@pytest.mark.parametrize("kind", ["model.", "best.", "average.", "optimizer.", "correct", "generator.cpu"])
def test_a_checkpoint_that_lacks_a_tensor_is_an_error(training, kind: str, monkeypatch: pytest.MonkeyPatch):
    stopped = training(ema=0.9)
    with pytest.raises(InterruptedRunError):
        stopped(stop_at=6)
    read = Checkpoints.load

    def without(self: Checkpoints):
        tensors, scalars = read(self)
        del tensors[next(name for name in tensors if name.startswith(kind))]
        return tensors, scalars

    monkeypatch.setattr(Checkpoints, "load", without)
    with pytest.raises(StoreError, match=rf"it differs in {kind}.*; go on where it was made, or remove that folder"):
        stopped()


@pytest.mark.parametrize("kind", ["lr", "schedule", "selection", "scaler", "rows", "piece_size"])
def test_a_checkpoint_that_lacks_a_figure_is_an_error(training, kind: str, monkeypatch: pytest.MonkeyPatch):
    stopped = training()
    with pytest.raises(InterruptedRunError):
        stopped(stop_at=6)
    read = Checkpoints.load
    pruned = lambda found: (found[0], {name: value for name, value in found[1].items() if name != kind})  # noqa: E731
    monkeypatch.setattr(Checkpoints, "load", lambda self: pruned(read(self)))
    with pytest.raises(StoreError, match=f"it differs in {kind}"):
        stopped()


def test_the_clock_goes_on_from_a_checkpoint(tmp_path):
    first = Checkpoints(tmp_path / "c", "toy")
    first._started -= 1000
    first.save(1, {}, {})
    second = Checkpoints(tmp_path / "c", "toy")
    second.load()
    assert 1000 < second.seconds < 1100


def test_a_full_disk_in_a_save_leaves_the_checkpoint_before_it(training, monkeypatch: pytest.MonkeyPatch):
    whole, _ = training()()
    stopped = training(name="b")
    with pytest.raises(InterruptedRunError):
        stopped(stop_at=3)
    before = {path.name: path.read_bytes() for path in stopped.folder.iterdir()}

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "place", full)
    with pytest.raises(OSError, match="No space"):
        stopped(stop_at=3)
    monkeypatch.undo()
    assert {path.name: path.read_bytes() for path in stopped.folder.iterdir()} == before
    assert same(stopped()[0], whole)
