"""The same bits every time, where that is asked for."""

import os
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

import bakeoff
from bakeoff.run.deterministic import WORKSPACE, deterministic
from bakeoff.specs.run import RunSpec
from bakeoff.study import bench

FAST = {"epochs": 1, "batch_size": 128, "max_train": 256, "offline": True}


def switches() -> tuple[object, ...]:
    cudnn = torch.backends.cudnn
    ours = torch.are_deterministic_algorithms_enabled(), torch.is_deterministic_algorithms_warn_only_enabled()
    return (*ours, cudnn.deterministic, cudnn.benchmark, os.environ.get(WORKSPACE))


@pytest.mark.parametrize("workspace", [None, ":16:8"])
def test_the_switches_are_set_for_a_while_and_put_back_even_after_a_failure(
    workspace: str | None, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(WORKSPACE, workspace) if workspace else monkeypatch.delenv(WORKSPACE, raising=False)
    monkeypatch.setattr(torch.backends.cudnn, "benchmark", True)
    before = switches()
    with deterministic(False):
        assert switches() == before
    with pytest.raises(AssertionError), deterministic(True):
        assert switches() != (True, False, True, False, ":4096:8")
    assert switches() == before


def test_a_study_trains_with_them_and_leaves_none_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    before, seen, usual = switches(), [], bench.run_one

    def watched(*given):
        seen.append(switches()[0])
        return usual(*given)

    monkeypatch.setattr(bench, "run_one", watched)
    result = bakeoff.compare(
        "digits", ["simcnn"], deterministic=True, seeds=1, out=tmp_path / "a", device="cpu", **FAST
    )
    (run,) = result.runs
    assert run.state == "finished", run.error
    assert seen == [True]
    assert switches() == before


def test_it_is_another_run_and_runs_without_it_are_what_they_were():
    given = {"data": {"name": "d"}, "model": {"name": "lenet5"}, "recipe": {}, "seed": 0}
    usual, asked = (RunSpec.parse({**given, "protocol": {"deterministic": yes}}) for yes in (False, True))
    assert usual.run_id == "07a8bd90ce06c635"
    assert asked.run_id != usual.run_id


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same_bits_twice(tmp_path: Path):
    weights = []
    for folder in ("a", "b"):
        result = bakeoff.compare(
            "digits", ["simcnn", "lenet5"], deterministic=True, seeds=1, out=tmp_path / folder, device="cuda", **FAST
        )
        assert all(run.state == "finished" for run in result.runs), [run.error for run in result.runs]
        weights.append([load_file(result.run_folder(run).weights) for run in result.runs])
    for ours, theirs in zip(*weights, strict=True):
        assert all(torch.equal(ours[name], theirs[name]) for name in ours)
