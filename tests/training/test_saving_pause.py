"""Saving never takes more than its share of the time."""

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch

from bakeoff.training import checkpoint
from bakeoff.training.checkpoint import Autosave, Checkpoints

LEAST, SHARE = 30, 0.02


class Clock:
    """Stands in for the module `time`, and goes on when it is told to."""

    now = 1000.0

    def perf_counter(self) -> float:
        return self.now


@pytest.mark.parametrize("took", [0.1, 5.0, 60.0])
def test_the_next_save_waits_fifty_times_what_the_last_one_took(tmp_path, monkeypatch: pytest.MonkeyPatch, took: float):
    clock, saved = Clock(), []
    monkeypatch.setattr(checkpoint, "time", clock)
    tensors, nothing = {"weight": torch.zeros(1)}, dict
    state = SimpleNamespace(steps=1, tensors=lambda: tensors, scalars=nothing, start_clock=lambda: None)

    def save(*_: object) -> None:
        saved.append(clock.now)
        clock.now += took

    monkeypatch.setattr(Checkpoints, "save", save)
    autosave = Autosave(Checkpoints(tmp_path, "toy"))
    while len(saved) < 6:
        clock.now += 0.3  # a step
        autosave.if_due(state)
    pauses = [later - earlier - took for earlier, later in pairwise(saved)]
    assert all(pause == pytest.approx(max(LEAST, took / SHARE), abs=0.5) for pause in pauses)
