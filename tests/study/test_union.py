"""A folder that several commands went to holds the study of all of them."""

import json
from pathlib import Path
from typing import Any

import pytest

import bakeoff
from bakeoff.study.observer import Observer
from bakeoff.study.union import told, union


def study(*models: str, seeds: tuple[int, ...] = (0,), **besides: Any) -> dict[str, Any]:
    protocol = {"folds": None, "robustness": False, "target_accuracy": None, **besides}
    return {"models": [{"name": model} for model in models], "seeds": list(seeds), "protocol": protocol}


FIRST = study("a", "b", seeds=(0, 1), robustness=True, target_accuracy=0.8)


@pytest.mark.parametrize(
    ("asked", "expected", "said"),
    [
        (FIRST, FIRST, ""),
        (
            study("c", "b"),
            study("a", "b", "c", seeds=(0, 1), robustness=True, target_accuracy=0.8),
            "added: c; kept from before: corrupted test images, the time to 80 % validation accuracy",
        ),
        (
            study("a", seeds=(1, 5, 7), robustness=True, target_accuracy=0.9),
            study("a", "b", seeds=(0, 1, 5, 7), robustness=True, target_accuracy=0.9),
            "added: seeds 5 and 7, the time to 90 % validation accuracy",
        ),
    ],
)
def test_the_study_of_a_folder_is_that_of_all_commands(asked, expected, said):
    assert union(FIRST, asked) == expected
    assert told(FIRST, asked) == said
    assert union(expected, asked) == expected, "the same command again changes nothing"


def test_a_folder_of_an_older_version_lacks_what_is_told_besides():
    old = {**FIRST, "protocol": {"folds": None}}
    assert union(old, FIRST) == FIRST
    assert told(old, study("a", seeds=(0,))) == ""
    assert union(old, study("a"))["protocol"] == {"folds": None, "robustness": False, "target_accuracy": None}


def test_models_that_are_added_are_told_and_judged_as_the_first_were(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    heard: list[str] = []

    class Listening(Observer):
        def joined(self, what: str) -> None:
            heard.append(what)

    def compare(model: str, **settings: Any) -> bakeoff.Result:
        return bakeoff.compare(
            "digits", model, seeds=1, epochs=1, max_train=64, out=tmp_path / "out", observer=Listening(), **settings
        )

    compare("lenet5", robustness=True, target_accuracy=0.01)
    assert heard == []
    result = compare("leaky-cnn")
    assert len(heard) == 1
    assert "holds this study already" in heard[0]
    assert "added: leaky-cnn; kept from before: corrupted test images, the time to 1 %" in heard[0]
    content = json.loads((tmp_path / "out" / "study.json").read_text())["study"]
    assert [model["name"] for model in content["models"]] == ["lenet5", "leaky-cnn"]
    table = result.leaderboard()
    assert set(table["model"]) == {"lenet5", "leaky-cnn"}
    assert table["corrupted_accuracy_mean"].notna().all()
    assert table["target_reached"].tolist() == [1, 1]
