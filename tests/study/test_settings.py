"""Settings of single runs: what a grid names is obeyed, and what would leave nothing to compare is refused."""

from pathlib import Path

import pytest
from small import compare

import bakeoff
from bakeoff.errors import SpecError
from bakeoff.specs.study import StudySpec
from bakeoff.study.begin import repeating
from bakeoff.study.expand import expand

SMALL = {"epochs": 1, "batch_size": 64, "amp": "off", "offline": True, "device": "cpu", "seeds": 1}


@pytest.mark.parametrize("folds", [None, 3])
def test_runs_of_a_grid_over_data_and_shares_have_parts_of_their_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, folds: int | None
):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    grid = {"data.max_train": [100, 300], "protocol.val_fraction": [0.1, 0.4]}
    result = bakeoff.compare("digits", "lenet5", grid=grid, folds=folds, out=tmp_path / "out", **SMALL)
    tested = {}
    for run in result.runs:
        test, val, train = (result.predictions(run, part).indices for part in ("test", "val", "train"))
        wanted = (run.spec.data.max_train, int(run.spec.protocol.val_fraction * (1797 - len(test)) + 0.5))
        assert (len(train), len(val)) == wanted
        tested.setdefault(run.spec.fold, []).append(test.tolist())
    assert all(one == of_a_turn[0] for of_a_turn in tested.values() for one in of_a_turn), "all are tested alike"
    assert len(result.leaderboard()) == 4


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        ("data.name", "data.name is no setting of a single run: set it in the study's data, for every run alike"),
        ("data.image_size", "set it in the study's data"),
        ("protocol.split_seed", "set it in the study's protocol"),
        ("protocol.folds", "set it in the study's protocol"),
        ("seed", "set seeds"),
        ("recipe.optimzer.lr", "no field 'recipe.optimzer.lr' in a run; did you mean optimizer?"),
        ("fold", "set seeds, or folds in the protocol"),
    ],
)
def test_what_is_the_same_for_every_run_is_no_setting(tmp_path: Path, path: str, sentence: str):
    with pytest.raises(SpecError, match=sentence):
        bakeoff.compare("digits", "lenet5", grid={path: [1, 2]}, out=tmp_path / "out", **SMALL)
    assert not (tmp_path / "out").exists()


def test_a_default_batch_that_is_too_large_is_made_smaller_in_a_grid_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    settings = {**SMALL, "batch_size": None, "max_train": 60}
    result = bakeoff.compare("digits", "lenet5", grid={"recipe.optimizer.lr": [0.01]}, out=tmp_path / "out", **settings)
    (run,) = result.runs
    assert run.spec.recipe.batch_size == 60
    assert ("recipe.batch_size", "128", "60") in [(one.what, one.wanted, one.got) for one in run.deviations]


@pytest.mark.parametrize("limit", [0, -1, float("nan")])
def test_a_time_limit_that_leaves_no_time_is_refused_before_anything_is_written(tmp_path: Path, limit: float):
    with pytest.raises(SpecError, match="leaves no time to train; make it larger"):
        bakeoff.compare("digits", "lenet5", time_limit=limit, out=tmp_path / "out", **SMALL)
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("argv", "command"),
    [
        (["/usr/bin/bakeoff", "compare", "my photos", "--time-limit", "5"], "bakeoff compare 'my photos'"),
        (["/lib/bakeoff/__main__.py", "compare", "digits", "--retry-failed"], "bakeoff compare digits"),
        (["bakeoff.exe", "compare", "--time-limit=5", "digits"], "bakeoff compare digits"),
        (["/lib/pytest/__main__.py", "compare", "digits"], ""),
        (["notebook.py"], ""),
    ],
)
def test_a_report_has_the_command_that_repeats_it(argv: list[str], command: str):
    assert repeating(argv) == command


@pytest.mark.parametrize(
    ("settings", "sentence"),
    [
        (
            {"lr": 0.1, "grid": {"recipe.optimizer": ["adam", "sgd"]}},
            "^lr: .*the grid tries values of recipe.optimizer;",
        ),
        ({"lr": 0.1, "grid": {"recipe.optimizer.lr": [1, 2]}}, "^lr: .*the grid tries values of recipe.optimizer.lr;"),
        ({"epochs": 2, "budget": {"epochs": 1}}, "^epochs: is set by the budget for every model"),
        ({"epochs": 2, "budget": {"steps": 1}}, "^epochs: is set by the budget for every model"),
        ({"grid": {"recipe.max_steps": [5]}, "budget": {"steps": 1}}, "^recipe.max_steps: is set by the budget"),
    ],
)
def test_a_setting_that_another_would_undo_is_refused(tmp_path: Path, settings: dict, sentence: str):
    with pytest.raises(SpecError, match=sentence):
        bakeoff.compare("digits", "lenet5", out=tmp_path / "out", **{**SMALL, "epochs": None, **settings})
    assert not (tmp_path / "out").exists()


def test_a_part_of_a_field_is_kept_where_the_whole_is_set_after_it():
    study = StudySpec.parse(
        {
            "data": "digits",
            "models": "lenet5",
            "overrides": {"recipe.optimizer.lr": 0.3, "recipe.optimizer": "sgd"},
            "grid": {"recipe.schedule.final": [0.1], "recipe.schedule": ["linear", "cosine"]},
        }
    )
    found = {(run.recipe.optimizer.lr, run.recipe.schedule.final, run.recipe.schedule.name) for run in expand(study)}
    assert found == {(0.3, 0.1, "linear"), (0.3, 0.1, "cosine")}


def test_a_share_for_all_runs_is_no_override(tmp_path: Path):
    file = tmp_path / "study.yaml"
    file.write_text("data: digits\nmodels: [lenet5]\noverrides:\n  recipe.epochs: 1\n  data.max_train: 100\n")
    with pytest.raises(SpecError, match=r"study.yaml, line 5: .*data.max_train is no setting of a single run"):
        bakeoff.compare(config=file, out=tmp_path / "out")


def test_weights_that_stay_after_some_epochs_count_as_trained(tmp_path: Path):
    models = [{"name": "airbench94", "options": {"width": 0.05}, "image_size": 12}]
    recipes = [{"name": name, "whiten_epochs": epochs} for name, epochs in (("all", 0), ("one", 1))]
    runs = compare(tmp_path / "out", models, seeds=1, epochs=2, max_train=300, recipe=recipes).runs
    assert [run.state.value for run in runs] == ["finished"] * 2
    assert runs[0].parameters == runs[1].parameters
