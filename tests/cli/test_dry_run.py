"""What a dry run says of a plan: in what its models differ, what is done, and what is left."""

import io
from pathlib import Path

import pytest
import torch
from rich.console import Console

import bakeoff
from bakeoff.cli import busy, dry_run, heading
from bakeoff.data.locations import Locations
from bakeoff.run.estimate import Estimate
from bakeoff.study.declare import declare
from bakeoff.study.plan import make_plan

CPU = torch.device("cpu")


@pytest.fixture
def said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """Return what is printed of a study, line by line."""
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))

    def printed(folder: Path, **study) -> list[str]:
        console = Console(file=io.StringIO(), width=1000)
        for module in (busy, dry_run, heading):
            monkeypatch.setattr(module, "out", console)
        dry_run.print_plan(make_plan(declare("digits", **study), Locations(offline=True), CPU), folder)
        return [" ".join(line.split()) for line in console.file.getvalue().splitlines()]

    return printed


def test_it_says_what_is_equal_and_what_differs(said, tmp_path: Path):
    models = ["lenet5", {"name": "lenet5", "label": "[bold]big[/bold]", "image_size": 20}]
    lines = said(tmp_path / "x[/a]", models=models, mode="own-recipe", seeds=1, epochs=1)
    assert any(line.startswith("Equal for all: weights random, schedule cosine, augment none, norm") for line in lines)
    assert not any(line.startswith("Differs") for line in lines), "sizes have a column"
    assert any("[bold]big[/bold] default 20 1 128" in line for line in lines)
    assert f"Output: {tmp_path / 'x[/a]'}" in lines
    assert (
        "Deviation: model.image_size 8 -> 12 (lenet5): lenet5 takes no input of 8 pixels; images are enlarged" in lines
    )
    grid = {"recipe.label_smoothing": [0.0, 0.1]}
    lines = said(tmp_path / "out", models="lenet5", grid=grid, seeds=1, epochs=1)
    assert any(line.startswith("2 runs of 1 model in 2 variants, ") for line in lines)
    differs = "Differs: label_smoothing: 0.0 for lenet5, default (label_smoothing=0.0); 0.1 for lenet5, default ("
    assert any(line.startswith(differs) for line in lines)
    lines = said(tmp_path / "out", models="lenet5", grid={"data.max_train": [100, 300]}, seeds=1, epochs=1)
    assert any(line.startswith("Differs: max_train: 100 for lenet5, default (max_train=100); 300 ") for line in lines)
    assert not (tmp_path / "out").exists()


def test_it_counts_what_is_done_and_estimates_the_rest(said, tmp_path: Path):
    study = {"models": "lenet5", "epochs": 1, "batch_size": 256, "amp": "off"}
    bakeoff.compare("digits", **study, seeds=1, out=tmp_path / "out", offline=True, device="cpu")
    lines = said(tmp_path / "out", **study, seeds=2)
    assert "1 of 2 runs is done." in lines
    assert any(line.startswith("About ") for line in lines)
    lines = said(tmp_path / "out", **study, seeds=1)
    assert "There is nothing left to train." in lines


def test_features_that_several_runs_share_count_once(said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(dry_run, "estimate", lambda *_: Estimate(1.0, {Path("train"): 10.0, Path("val"): 4.0}))

    def total(**study) -> str:
        (line,) = (line for line in said(tmp_path / "out", **study) if line.startswith("About"))
        return line.removeprefix("About ").partition(" of training")[0]

    bakeoff.compare("digits", "lenet5", seeds=1, epochs=1, offline=True, device="cpu", out=tmp_path / "trained")
    weights = next((tmp_path / "trained").rglob("weights.safetensors"))
    models = [{"name": "lenet5", "weights": str(weights)}, "simcnn"]
    assert total(models=models, seeds=3) == "20 s", "six runs, and the features once"
    assert total(models="lenet5", seeds=3) == "45 s", "weights are random, and features of every seed others"
    assert total(models="lenet5", seeds=2, folds=3) == "90 s", "six runs on as many parts"


def test_an_estimate_from_a_busy_machine_says_so(said, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    shares = iter((1.4, 0.16))
    monkeypatch.setattr(dry_run, "estimate", lambda *_: Estimate(1.0, {}, next(shares)))
    lines = said(tmp_path / "out", models="lenet5,simcnn", seeds=1)
    assert any(line.startswith("The machine is busy: this process had 0.16 of a core") for line in lines)
    monkeypatch.setattr(dry_run, "estimate", lambda *_: Estimate(1.0, {}, 0.99))
    assert not any("machine is busy" in line for line in said(tmp_path / "out", models="lenet5", seeds=1))
