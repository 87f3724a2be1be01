"""The loop: that it does what a hand-written one does, goes on from where it was, and knows when to stop."""

import errno
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn
from toys import CPU, toy_images, toy_network

from bakeoff import durable
from bakeoff.data.pipeline import Part, Preprocess, TrainBatches, mix_seed
from bakeoff.errors import DivergedError, InterruptedRunError, ModelError, StoreError
from bakeoff.evaluation.predict import predict
from bakeoff.records.run import EpochRow
from bakeoff.specs.recipe import Recipe
from bakeoff.training.checkpoint import Checkpoints
from bakeoff.training.fit import Notice, Progress
from bakeoff.training.selection import Selection
from bakeoff.training.step import Step


def timeless(rows: tuple[EpochRow, ...]) -> list[EpochRow]:
    return [replace(row, seconds=0, images_per_second=0) for row in rows]


def same(ours: nn.Module, theirs: nn.Module) -> bool:
    return all(torch.equal(a, b) for a, b in zip(ours.state_dict().values(), theirs.state_dict().values(), strict=True))


def test_training_equals_a_loop_written_by_hand(training):
    model, fitted = training(
        epochs=2, select="last", schedule="constant", optimizer={"name": "sgd", "lr": 0.1}, clip_norm=0.5
    )()
    expected = toy_network()
    part = Part(toy_images(), np.arange(150), CPU)
    prepare = Preprocess(part.shape, "dataset", part.channel_statistics(), 1, 8, CPU)
    optimizer = torch.optim.SGD(expected.parameters(), 0.1, momentum=0.9, nesterov=True, fused=True)
    for epoch in range(2):
        torch.manual_seed(mix_seed(0, epoch))
        for batch in TrainBatches(part, 32, [], 0).epoch(epoch):
            nn.functional.cross_entropy(expected(prepare(batch.images)), batch.targets).backward()
            nn.utils.clip_grad_norm_(expected.parameters(), 0.5)
            optimizer.step()
            optimizer.zero_grad()
    assert same(model, expected)
    assert fitted.best_epoch == 2


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


def test_a_loss_that_is_not_finite_ends_training_with_the_step(training):
    with pytest.raises(
        DivergedError, match=r"not finite at step \d+ of epoch 1.*learning rate of 1e\+30.*largest weight"
    ):
        training(optimizer={"name": "sgd", "lr": 1e30}, schedule="constant")()


def test_weights_that_are_not_finite_after_the_last_step_end_training_too(training):
    """Their loss was finite: it is computed before the step."""

    class Loud(nn.Sequential):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images) * 1000

    settings = {"optimizer": {"name": "sgd", "lr": 3e38}, "schedule": "constant", "max_steps": 1, "select": "last"}
    with pytest.raises(DivergedError, match="weights in .* were not finite after step 1 of epoch 1.*largest weight"):
        training(lambda: Loud(toy_network()), **settings)()


def test_a_validation_loss_that_is_not_finite_ends_training(training):
    class Overflows(nn.Sequential):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return super().forward(images) * (1 if self.training else float("inf"))

    with pytest.raises(DivergedError, match="the validation loss was not finite after step 5 of epoch 1"):
        training(lambda: Overflows(toy_network()))()


def test_early_stopping_gives_back_the_best_weights_and_says_so(training):
    stopping = training(epochs=30, early_stopping=2, monitor="val_loss", optimizer={"name": "adam", "lr": 0.05})
    _, fitted = stopping()
    losses = [row.val_loss for row in fitted.rows]
    assert len(fitted.rows) == fitted.best_epoch + 2 < 30
    assert losses[fitted.best_epoch - 1] == min(losses)
    assert [(d.what, d.wanted) for d in fitted.deviations] == [("recipe.epochs", "30")]
    assert "did not improve for 2 epochs" in fitted.deviations[0].why


def test_patience_begins_when_everything_is_trained():
    selection = Selection(Recipe.parse({"epochs": 9, "head_epochs": 3, "early_stopping": 2, "monitor": "val_loss"}))
    stops = []
    for epoch, loss in enumerate((1.0, 2.0, 2.0, 2.0, 2.0), 1):
        selection.epoch_ended(epoch, nn.Linear(1, 1), loss, 0.5)
        stops.append(selection.should_stop)
    assert stops == [False, False, False, False, True]


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


@pytest.mark.parametrize("steps", [1, 5, 7, 10])
def test_a_limit_of_steps_is_exact(training, steps: int, monkeypatch: pytest.MonkeyPatch):
    taken = []
    step = Step.__call__
    monkeypatch.setattr(Step, "__call__", lambda self, *batch: taken.append(None) or step(self, *batch))
    _, fitted = training(max_steps=steps, select="last")()
    assert len(taken) == steps
    assert len(fitted.rows) == -(-steps // 5)  # 150 images in batches of 32 are 5 steps


def test_a_limit_of_seconds_ends_training_and_is_a_deviation(training):
    _, fitted = training(epochs=100_000, max_seconds=0.3, select="last")()
    assert 0.3 <= fitted.seconds < 5
    assert fitted.deviations[0].why == "the 0.3 seconds of training were used up"


class Cramped(nn.Module):
    """A network without memory for more than a few images."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 3))

    def forward(self, images: torch.Tensor) -> torch.Tensor:
        if self.training and len(images) > 10:
            raise torch.OutOfMemoryError("out of memory")
        return self.layers(images)


def test_out_of_memory_splits_the_batch_and_changes_nothing_else(training):
    class Roomy(Cramped):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.layers(images)

    settings = {"optimizer": {"name": "sgd", "lr": 0.1}, "schedule": "constant", "select": "last"}
    cramped, fitted = training(Cramped, **settings)()
    roomy, _ = training(Roomy, name="b", **settings)()
    for ours, theirs in zip(cramped.parameters(), roomy.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs)
    assert [(d.what, d.wanted, d.got) for d in fitted.deviations] == [("images in memory", "32", "8")]


def test_pieces_never_have_a_single_image_where_batches_are_normalized(training):
    class CrampedNorm(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            torch.manual_seed(0)
            self.layers = nn.Sequential(nn.Flatten(), nn.Linear(64, 3), nn.BatchNorm1d(3))
            self.sizes: list[int] = []

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            if self.training and len(images) > 3:
                raise RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 9 bytes.")
            self.sizes += [len(images)] if self.training else []
            return self.layers(images)

    settings = {"batch_size": 25, "epochs": 1, "select": "last"}
    model, fitted = training(CrampedNorm, **settings)()
    assert set(model.sizes) == {2, 3}
    assert sum(model.sizes) == 150
    assert "batch normalization saw pieces rather than batches" in fitted.deviations[0].why


def test_no_memory_for_the_smallest_pieces_is_a_sentence(training):
    class Full(nn.Linear):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            raise torch.OutOfMemoryError("CUDA out of memory.")

    with pytest.raises(ModelError, match="out of memory with 1 images at once; choose a smaller input"):
        training(lambda: Full(64, 3))()


def test_the_size_of_pieces_survives_a_checkpoint(training):
    stopped = training(Cramped)
    with pytest.raises(InterruptedRunError):
        stopped(stop_at=4)
    tried = []

    class Counts(Cramped):
        def forward(self, images: torch.Tensor) -> torch.Tensor:
            tried.append(len(images)) if self.training else None
            return super().forward(images)

    stopped.network = Counts
    _, fitted = stopped()
    assert max(tried) <= 8
    assert [(d.what, d.got) for d in fitted.deviations] == [("images in memory", "8")]


def test_news_of_progress_and_epochs(training, monkeypatch):
    monkeypatch.setattr("bakeoff.training.fit.REPORT_SECONDS", 0)
    observed = training(epochs=2)
    observed()
    rows = [news for news in observed.news if isinstance(news, EpochRow)]
    progress = [news for news in observed.news if isinstance(news, Progress)]
    assert [row.epoch for row in rows] == [1, 2]
    assert [(news.epoch, news.step) for news in progress] == [(e, s) for e in (1, 2) for s in range(1, 6)]
    assert progress[4].loss == pytest.approx(rows[0].train_loss)


def test_bf16_stays_close_to_float32(training):
    _, exact = training()()
    _, rounded = training(name="b", amp="bf16")()
    assert rounded.rows[-1].val_loss == pytest.approx(exact.rows[-1].val_loss, rel=0.05)


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
