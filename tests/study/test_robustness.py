"""Corrupted test images: judged on saved weights, without training, also for a study that is done."""

import itertools
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bakeoff
from bakeoff import load
from bakeoff.cli.comparison import run_comparison
from bakeoff.data.corruptions import CORRUPTIONS, SEVERITIES
from bakeoff.records.run import RunState
from bakeoff.report.robustness import not_judged
from bakeoff.study import afterwards, bench
from bakeoff.study.declare import declare

NAMES = {f"{name}.{severity}" for name, severity in itertools.product(CORRUPTIONS, SEVERITIES)}
SETTINGS = {"recipe": {"base": "default", "epochs": 4, "batch_size": 8, "amp": "off"}}


@pytest.fixture
def compare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Compare on 60 images of two classes, one bright at the top and one at the bottom."""
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    generator = np.random.default_rng(0)
    labels = np.arange(60) % 2
    images = generator.integers(0, 80, (60, 12, 12, 3), np.uint8)
    images[labels == 0, :5] += 120
    images[labels == 1, 7:] += 120
    np.savez(tmp_path / "d.npz", x_train=images[:40], y_train=labels[:40], x_test=images[40:], y_test=labels[40:])

    def run(**settings: Any) -> bakeoff.Result:
        settings = SETTINGS | {"seeds": 1} | settings
        return bakeoff.compare(str(tmp_path / "d.npz"), ["lenet5"], out=tmp_path / "out", device="cpu", **settings)

    return run


def test_a_study_that_is_done_is_judged_without_training(compare, monkeypatch):
    (plain,) = compare().runs
    assert plain.corrupted_accuracy is None
    monkeypatch.setattr(bench, "run_one", lambda *_: pytest.fail("trained again"))
    result = compare(robustness=True)
    (run,) = result.runs
    assert run.run_id == plain.run_id
    assert run.metrics["robustness"].keys() == NAMES
    assert {part: run.metrics[part] for part in plain.metrics} == dict(plain.metrics)
    assert result.leaderboard()["corrupted_accuracy_mean"].tolist() == [run.corrupted_accuracy]
    kinds = [event.kind for event in result.events]
    assert kinds.count("test opened") == 1
    assert kinds.count("robustness") == 1
    again = compare(robustness=True)
    assert [event.kind for event in again.events] == kinds, "once is enough"
    assert "On corrupted images" in again.report().read_text()


def test_a_new_study_is_judged_at_once_and_the_same(compare, tmp_path):
    (asked,) = compare(robustness=True).runs
    (tmp_path / "out").rename(tmp_path / "other")
    compare()
    (later,) = compare(robustness=True).runs
    assert asked.metrics["robustness"] == later.metrics["robustness"]
    assert asked.metrics["robustness"]["blur.1"] >= 0.5


def test_weights_that_are_not_those_that_were_judged_are_refused(compare):
    plain = compare()
    weights = plain.run_folder(plain.runs[0]).weights
    content = bytearray(weights.read_bytes())
    content[-1] ^= 1
    weights.write_bytes(content)
    result = compare(robustness=True)
    assert result.runs[0].state is RunState.FINISHED
    assert result.runs[0].corrupted_accuracy is None
    (failure,) = [event for event in result.events if event.kind == "robustness failed"]
    assert "does not hold the weights that were judged" in failure.detail
    weights.unlink()
    assert "cannot be read" in compare(robustness=True).events[-1].detail


def test_what_could_not_be_judged_is_said_everywhere_until_it_is(compare, tmp_path, monkeypatch, capsys):
    judge = afterwards.measure_robustness

    def fails_once(planned: Any, *rest: Any) -> dict[str, float]:
        if planned.spec.seed == 1:
            raise RuntimeError("the <dog>\nate it")
        return judge(planned, *rest)

    def command() -> tuple[int, str]:
        study = dict.fromkeys(signature(declare).parameters) | SETTINGS | {"robustness": True, "seeds": 2}
        study |= {"data": str(tmp_path / "d.npz"), "models": "lenet5"}
        flags = {"offline": True, "dry_run": False, "retry_failed": False}
        status = run_comparison(study, tmp_path / "out", None, "cpu", 1, None, None, None, **flags)
        return status, capsys.readouterr().err

    compare(seeds=2)
    result = load(tmp_path / "out")
    assert not_judged(result.subject()) == (), "nobody asked for it"
    with monkeypatch.context() as patched:
        patched.setattr(afterwards, "measure_robustness", fails_once)
        status, said = command()
    assert status == 1
    assert "warning: lenet5 seed 1 could not be judged on corrupted images: RuntimeError: the <dog>" in said
    assert "the same command tries it again" in said
    result = load(tmp_path / "out")
    assert [run.corrupted_accuracy is None for run in result.runs] == [False, True]
    page, document = (result.report(tmp_path / f"r.{kind}").read_text() for kind in ("html", "md"))
    assert "lenet5, seed 1: could not be judged on corrupted images: RuntimeError: the &lt;dog&gt; ate it" in page
    assert "could not be judged on corrupted images: RuntimeError" in document
    assert "could not be judged" in str(result)
    assert "dog" in next(event.detail for event in result.events if event.kind == "traceback")
    assert command()[0] == 0
    result = load(tmp_path / "out")
    assert not_judged(result.subject()) == ()
    assert "could not be judged" not in result.report().read_text()


def test_a_stop_in_between_leaves_the_rest_for_the_next_time_and_that_is_said(compare, monkeypatch):
    asked: list[int] = []
    judge = afterwards.measure_robustness
    monkeypatch.setattr(afterwards, "measure_robustness", lambda *given: asked.append(1) or judge(*given[:-1], bool))
    monkeypatch.setattr("bakeoff.study.stopping.Stop.why", lambda _: "asked" if asked else "")
    result = compare(seeds=2, robustness=True)
    assert [run.corrupted_accuracy is None for run in result.runs] == [False, True]
    assert "1 finished run is not yet judged on corrupted images." in result.report().read_text()
