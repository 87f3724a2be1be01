"""Trainings of a small network on a small problem."""

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn
from toys import Training, toy_network

from bakeoff.specs.recipe import Recipe


@pytest.fixture
def training(tmp_path: Path) -> Callable[..., Training]:
    def make(network: Callable[[], nn.Module] = toy_network, name: str = "a", **fields: object) -> Training:
        recipe = Recipe.parse({"epochs": 4, "batch_size": 32, "amp": "off", **fields})
        return Training(tmp_path / name, recipe, network)

    return make
