"""A chosen setting is trained again with seeds that had no part in the choice, and both figures stand side by side."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import bakeoff
from bakeoff.errors import SpecError
from bakeoff.records.run import RunRecord, RunState
from bakeoff.specs.run import RunSpec
from bakeoff.specs.study import StudySpec
from bakeoff.study.confirm import confirmation, confirmed
from bakeoff.study.expand import expand

STUDY = StudySpec.parse(
    {"data": "digits", "models": ["lenet5", "simcnn"], "seeds": [0, 2], "grid": {"recipe.optimizer.lr": [0.1, 0.2]}}
)


def finished(spec: RunSpec, val: float, test: float) -> RunRecord:
    return RunRecord(spec, RunState.FINISHED, metrics={"val": {"accuracy": val}, "test": {"accuracy": test}})


def tuned() -> list[RunRecord]:
    """Return runs of which the larger rate is better in validation, for lenet5, and the smaller one for simcnn."""
    return [
        finished(run, 0.5 + (run.recipe.optimizer.lr if run.model.name == "lenet5" else -run.recipe.optimizer.lr), 0.6)
        for run in expand(STUDY)
    ]


def test_the_chosen_settings_are_trained_with_fresh_seeds_alone():
    runs = tuned()
    again = expand(confirmation(STUDY.content(), runs, 3))
    assert {(run.model.title, run.recipe.optimizer.lr, run.seed) for run in again} == {
        (model, lr, seed) for model, lr in (("lenet5", 0.2), ("simcnn", 0.1)) for seed in (1, 3, 4)
    }
    assert {run.run_id for run in again}.isdisjoint(run.run_id for run in runs)
    same = {run.model_copy(update={"seed": 0}).run_id for run in again}  # nothing but the seed is new
    assert same < {run.spec.model_copy(update={"seed": 0}).run_id for run in runs}


def test_the_confirmed_figure_is_of_fresh_seeds_alone_and_the_rest_is_optimism():
    runs = tuned()
    chosen = [run for run in runs if run.spec.model.name == "lenet5" and run.spec.recipe.optimizer.lr == 0.2]
    fresh = [finished(chosen[0].spec.model_copy(update={"seed": seed}), 0.6, 0.5 + seed / 100) for seed in (7, 9)]
    lost = replace(fresh[0], spec=fresh[0].spec.model_copy(update={"seed": 8}), state=RunState.DIVERGED)
    val, test, *other = confirmed(runs, [*chosen, *fresh, lost])
    assert (val.settings, val.seeds) == (2, 2)
    assert (val.tuned, val.confirmed, val.optimism) == pytest.approx((0.7, 0.6, 0.1))
    assert (test.tuned, test.confirmed, test.sd) == pytest.approx((0.6, 0.58, 0.01 * 2**0.5))
    assert [(one.confirmed, one.optimism, one.seeds) for one in other] == [(None, None, 0)] * 2


def test_what_cannot_be_confirmed_is_said():
    runs = tuned()
    with pytest.raises(SpecError, match="1 of 8 runs are left"):
        confirmation(STUDY.content(), [replace(runs[0], state=RunState.RUNNING), *runs[1:]], 3)
    blind = [replace(run, metrics={"test": run.metrics["test"]}) for run in runs]
    with pytest.raises(SpecError, match="lenet5 has no validation images to be chosen by"):
        confirmation(STUDY.content(), blind, 3)
    with pytest.raises(SpecError, match="has no finished run"):
        confirmation(STUDY.content(), [replace(run, state=RunState.FAILED) for run in runs], 3)
    with pytest.raises(SpecError, match="--seeds must be 1 or more; got 0"):
        confirmation(STUDY.content(), runs, 0)
    with pytest.raises(SpecError, match="no model 'lenet6' has a recipe 'x' here"):
        expand(STUDY.model_copy(update={"only": {"lenet6": "x"}}))


def test_studies_from_before_are_the_same_studies():
    assert "only" not in STUDY.content()
    assert StudySpec.parse(confirmation(STUDY.content(), tuned(), 1).content()).only


def test_a_tuning_is_confirmed_in_a_folder_below_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    small = {"epochs": 1, "batch_size": 256, "amp": "off", "offline": True, "device": "cpu", "out": tmp_path / "out"}
    bakeoff.compare("digits", "lenet5", seeds=1, grid={"recipe.optimizer.lr": [1e-6, 0.003]}, **small)
    for _ in range(2):  # the second time nothing is left to do
        val, test = bakeoff.confirm(tmp_path / "out", seeds=2, device="cpu", offline=True)
    runs = bakeoff.load(tmp_path / "out" / "confirm").runs
    assert [(run.spec.seed, run.attempts) for run in runs] == [(1, 1), (2, 1)]
    assert (val.setting, val.settings, test.seeds) == ("default (lr=0.003)", 2, 2)
    kept = json.loads((tmp_path / "out" / "confirm" / "confirmed.json").read_text())
    assert kept == [val.content(), test.content()]
    assert (tmp_path / "out" / "confirm" / "report.html").exists()
    _figures_stand_in_both_reports(tmp_path / "out", test.confirmed)


def _figures_stand_in_both_reports(out: Path, confirmed: float) -> None:
    told = {folder: bakeoff.load(folder).report(folder / "told.md").read_text() for folder in (out, out / "confirm")}
    headline = told[out].splitlines()[0].replace("\N{NO-BREAK SPACE}", " ")
    assert f"{100 * confirmed:.2f} ±" in headline
    assert "over 2 fresh seeds on digits, in the setting chosen by validation accuracy among 2" in headline
    assert all("## Tuned and confirmed" in text for text in told.values())
    assert "Tuned and confirmed" in (out / "report.html").read_text()
    kept = out / "confirm" / "confirmed.json"
    sound = json.loads(kept.read_text())
    wrong = [{**one, "tuned": 0.99, "confirmed": 0.98} for one in sound]
    for content in (b"", b"[1]", b"[" * 99_999, json.dumps(wrong).encode(), b'{"model": 1}'):
        kept.write_bytes(content)
        text = bakeoff.load(out).report(out / "told.md").read_text()
        assert "a figure that is not confirmed yet (bakeoff confirm OUT)" in text.splitlines()[0]
        assert "Tuned and confirmed" not in text
