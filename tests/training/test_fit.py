"""The loop: that it does what a hand-written one does, and knows when to stop."""

import numpy as np
import pytest
import torch
from torch import nn
from toys import CPU, same, toy_images, toy_network

from bakeoff.data.pipeline import Part, TrainBatches, mix_seed
from bakeoff.data.preprocess import Preprocess
from bakeoff.errors import DivergedError
from bakeoff.records.run import EpochRow
from bakeoff.specs.recipe import Recipe
from bakeoff.training.fit import Progress
from bakeoff.training.selection import Selection
from bakeoff.training.step import Step


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
    assert 0.3 <= fitted.seconds < 60
    assert fitted.deviations[0].why == "the 0.3 seconds of training were used up"


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
