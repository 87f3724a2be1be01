from pathlib import Path

import numpy as np
import pytest
import torch

from bakeoff.data.imageset import ImageSet
from bakeoff.data.locations import Locations
from bakeoff.data.splits import split
from bakeoff.run import fastest
from bakeoff.run.resolve import resolve
from bakeoff.run.showcase import showcase
from bakeoff.specs.run import RunSpec

CPU = torch.device("cpu")


def test_the_choice_is_measured_once_and_holds_for_runs_that_are_as_fast(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"data": "random", "model": "lenet5", "recipe": {"batch_size": 32}, "protocol": {}, "seed": 0}
    images = ImageSet(
        np.zeros((100, 28, 28, 1), np.uint8), np.arange(100) % 2, ("a", "b"), {"train": np.arange(100)}, {}, "x"
    )
    measured = []

    def seconds(planned, *_: object) -> float:
        measured.append(planned.spec.recipe.engine)
        return {"eager": 2.0, "lean": 1.0}[planned.spec.recipe.engine]

    monkeypatch.setattr(fastest, "CANDIDATES", {"cpu": ("eager", "lean")})
    monkeypatch.setattr(fastest, "_seconds", seconds)

    def chosen(change: dict[str, object]) -> str:
        run = RunSpec.parse({**asked, **change})
        parts = split(images, run.data, run.protocol)
        planned = resolve(run, images, parts, CPU)
        return fastest.with_fastest(run, planned, images, parts, CPU, Locations(cache=tmp_path)).spec.recipe.engine

    assert chosen({}) == chosen({"seed": 1}) == "lean"
    assert measured == ["eager", "lean"]
    assert chosen({"recipe": {"batch_size": 16}}) == "lean"
    assert measured == ["eager", "lean"] * 2
    assert chosen({"recipe": {"batch_size": 8, "engine": "eager"}}) == "eager"
    for file in (tmp_path / "engines").iterdir():
        file.write_text("[")
    assert chosen({}) == "lean"
    assert measured == ["eager", "lean"] * 3


def test_an_engine_must_be_clearly_faster() -> None:
    assert fastest.fastest({"eager": 1.0, "graph": 0.97}) == "eager"
    assert fastest.fastest({"eager": 1.0, "graph": 0.5}) == "graph"


def test_engines_are_shown_with_what_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bakeoff.run.showcase.NETWORKS", {"simcnn": 4})
    monkeypatch.setattr("bakeoff.run.showcase.IMAGES", 50)
    monkeypatch.setattr(fastest, "STEPS", 1)
    monkeypatch.setattr(fastest, "ROUNDS", 1)
    ((network, batch_size, seconds, awake),) = showcase(CPU)
    assert (network, batch_size, list(seconds)) == ("simcnn", 4, ["eager", "lean"])
    assert min(seconds.values()) > 0
    assert awake is not None
