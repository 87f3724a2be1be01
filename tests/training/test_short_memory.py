"""Where memory is short, a batch is gone through in pieces, and nothing else changes."""

import pytest
import torch
from torch import nn

from bakeoff.errors import InterruptedRunError, ModelError


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
