"""What changes between epochs: the size of images, and whether whitening is still trained."""

import pytest
import torch
from torch import Tensor, nn

from bakeoff.errors import ModelError
from bakeoff.models.layers import global_average_head
from bakeoff.models.library import build
from bakeoff.models.transfer import freeze
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.recipe import Recipe
from bakeoff.training.phases import Phases
from bakeoff.training.progressive import Progressive, check_small

HALF = Recipe.parse({"epochs": 3, "progressive": {"scale": 0.5, "epochs": 2}})


class Watched(nn.Sequential):
    """Notes the sides of the images that it is trained on."""

    def __init__(self) -> None:
        super().__init__(nn.Conv2d(1, 4, 3), *global_average_head(4, 3))
        self.sides: list[int] = []

    def forward(self, images: Tensor) -> Tensor:
        if self.training:
            self.sides.append(images.shape[3])
        return super().forward(images)


def test_the_first_epochs_see_smaller_images_and_the_others_all_of_them(training):
    run = training(Watched, epochs=3, progressive={"scale": 0.5, "epochs": 2})
    model, _ = run()
    assert model.sides == [4] * 10 + [8] * 5


def test_a_run_that_was_stopped_among_small_images_goes_on_with_them(training):
    run = training(Watched, epochs=3, progressive={"scale": 0.5, "epochs": 2})
    with pytest.raises(Exception, match="stopped"):
        run(stop_at=7)
    model, _ = run()
    assert model.sides == [4] * 3 + [8] * 5


def test_small_images_are_means_of_the_large():
    sized = Progressive(lambda images: images, HALF)
    images = torch.arange(64.0).view(1, 1, 8, 8)
    assert sized(images) is images
    sized.begin(0)
    torch.testing.assert_close(sized(images).mean(), images.mean())
    assert sized(images).shape == (1, 1, 4, 4)
    sized.begin(2)
    assert sized(images) is images


def test_a_network_of_one_size_alone_is_told_before_training():
    check_small(build(ModelSpec(name="airbench94"), 10, 3, 32), 3, 32, HALF)
    with pytest.raises(ModelError, match="takes no images of 16 pixels, .* those of 32 .*progressive: null"):
        check_small(build(ModelSpec(name="leaky-cnn"), 10, 3, 32), 3, 32, HALF)


@pytest.mark.parametrize(("frozen", "trained"), [("none", [True, True, False, False]), ("backbone", [False] * 4)])
def test_biases_of_the_whitening_are_trained_in_the_first_epochs(frozen: str, trained: list[bool]):
    model = build(ModelSpec(name="airbench94"), 10, 3, 32)
    freeze(model, frozen)
    phases = Phases(model, Recipe.parse({"epochs": 4, "whiten_epochs": 2}))
    found = []
    for epoch in range(4):
        phases.begin(epoch)
        found.append(model.backbone.whiten.bias.requires_grad)
    assert found == trained
