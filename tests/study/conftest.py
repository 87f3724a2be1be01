"""A cache of a test's own, and networks that take no time."""

from collections.abc import Callable
from pathlib import Path

import pytest
from torch import nn

from bakeoff.models import Network, networks


@pytest.fixture
def own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))


@pytest.fixture
def tiny(monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Register networks for one test."""

    def add(name: str, build: Callable[..., nn.Module] | None = None, min_size: int = 1) -> str:
        def linear(num_classes: int, in_channels: int, image_size: int) -> nn.Module:
            """One layer."""
            return nn.Sequential(nn.Flatten(), nn.Linear(in_channels * image_size**2, num_classes))

        list(networks)  # so that the registry has looked for itself
        monkeypatch.setitem(networks._entries, name, Network(build or linear, min_size, "a test"))
        return name

    return add
