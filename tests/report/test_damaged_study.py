"""A study's folder that is damaged: one sentence that names the file, whoever reads it."""

import json
import re
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from bakeoff.data.checks import Finding
from bakeoff.errors import StoreError
from bakeoff.result import load
from bakeoff.store.folder import Maps, RunFolder, StudyFolder

Arrays = dict[str, np.ndarray]


def without(*path: str) -> Callable[[dict[str, Any]], None]:
    def remove(about: dict[str, Any]) -> None:
        for key in path[:-1]:
            about = about[key]
        del about[path[-1]]

    return remove


def with_(value: Any, *path: str) -> Callable[[dict[str, Any]], None]:
    def put(about: dict[str, Any]) -> None:
        for key in path[:-1]:
            about = about[key]
        about[path[-1]] = value

    return put


STUDY_FILES = {
    "no identity": (without("identity"), "'identity' is missing"),
    "no database": (without("database"), "'database' is missing"),
    "no command": (without("command"), "'command' is missing"),
    "a number as id": (with_(3, "study_id"), "study_id: must be text"),
    "a list as study": (with_([], "study"), "study: must be a mapping"),
    "an odd protocol": (with_("x", "study", "protocol", "val_fraction"), "val_fraction: must be a number"),
    "no data": (with_(0, "data"), "data: must be a mapping"),
    "no list of classes": (with_(5, "data", "class_names"), "class_names: must be a list"),
    "no shape": (with_("x", "data", "shape"), "shape: must be a list"),
    "a flat shape": (with_([100, 8, 8], "data", "shape"), "shape: needs at least 4"),
    "no parts": (with_("x", "data", "parts"), "parts: must be a mapping"),
    "a list as checks": (with_([], "data", "checks"), "checks: must be a mapping"),
    "findings in images that are not there": (
        with_({"findings": [vars(Finding("a", True, 1, "", "", leaked=(1000,)))], "left_out": []}, "data", "checks"),
        "not among its 100",
    ),
    "odd names of skipped files": (with_([{"name": 7}], "data", "provenance", "skipped"), "name: must be text"),
    "a number as folder": (with_(7, "data_dir"), "data_dir: must be text"),
    "a list as command": (with_([1], "command"), "command: must be text"),
}  # fmt: skip


def test_a_study_file_of_wrong_content_is_one_sentence_for_every_reader(saved: Path):
    file = saved / "study.json"
    good = json.loads(file.read_text())
    for damage, reason in STUDY_FILES.values():
        about = json.loads(file.read_text())
        damage(about)
        file.write_text(json.dumps(about))
        for read in (lambda: load(saved), lambda: StudyFolder(saved).claim(good)):
            with pytest.raises(StoreError, match=rf"study\.json .*{reason}.*put a copy of it back"):
                read()
        file.write_text(json.dumps(good))
    assert len(load(saved).runs) == 9


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ("run SET spec = '{'", "Expecting"),
        ("run SET spec = '[1]'", "spec of run"),
        ("run SET state = 'bogus'", "state of run"),
        ("run SET state = x'ff'", "state of run"),
        ("run SET cost = '{\"a\": 1}'", "cost.train_seconds of run"),
        ("run SET deviations = '{}x'", "Extra data"),
        ("run SET deviations = '[{\"x\": 1}]'", "deviations.0.what of run"),
        ("run SET environment = '[1]'", "environment of run"),
        ("run SET parameters = '[1]'", "parameters of run"),
        ("run SET best_epoch = 'abc'", "best_epoch of run"),
        ("metric SET value = 'abc'", "could not convert"),
        ("epoch SET train_loss = 'abc'", "could not convert"),
        ("event SET detail = x'ff'", "bytes"),
        ("metric SET name = 'other' WHERE part = 'test' AND name = 'accuracy'", "no test accuracy"),
    ],
)
def test_a_database_of_wrong_content_is_one_sentence(saved: Path, change: str, reason: str):
    with sqlite3.connect(saved / "bakeoff.db") as database:
        database.execute(f"UPDATE {change}")
    with pytest.raises(StoreError, match=rf"bakeoff\.db is damaged.*{reason}.*put a copy"):
        load(saved)


def of(ending: str, change: Callable[[np.ndarray], np.ndarray]) -> Callable[[Arrays], Arrays]:
    return lambda arrays: {
        name: np.ascontiguousarray(change(value)) if name.endswith(ending) else value for name, value in arrays.items()
    }


ARRAYS: dict[str, tuple[Callable[[Arrays], Arrays], str]] = {
    "labels of no class": (of(".labels", lambda x: x + 1000), "labels go from 1000 to 1004"),
    "labels as numbers with commas": (of(".labels", lambda x: x.astype(np.float32)), "labels have .* float32"),
    "flat logits": (of(".logits", lambda x: x[:, 0]), "logits have the shape"),
    "too few logits": (of(".logits", lambda x: x[:5]), "5 logits, and 20 labels"),
    "logits of few classes": (of(".logits", lambda x: x[:, :3]), "logits of 3 classes, and the data set has 5"),
    "indices past the end": (of(".indices", lambda x: x + 10**9), "indices go from"),
    "negative indices": (of(".indices", lambda x: x - 10**9), "indices go from -"),
    "nothing": (lambda arrays: {name: value[:0].copy() for name, value in arrays.items()}, "for no image"),
    "a part alone": (lambda arrays: {"test.labels": arrays["test.labels"]}, "test.indices"),
}


@pytest.mark.parametrize("name", ARRAYS)
def test_predictions_that_do_not_fit_are_named_and_left_out(saved: Path, name: str):
    damage, reason = ARRAYS[name]
    path = sorted(saved.glob("runs/*/logits.safetensors"))[0]
    save_file(damage(load_file(path)), path)
    result = load(saved)
    assert len(result.leaderboard()) == 3
    (said,) = result.judgement().missing
    assert re.search(rf"logits\.safetensors cannot be read: .*{reason}", said)
    assert reason.partition(" ")[0] in result.report().read_text()


@pytest.mark.parametrize(
    ("field", "change"),
    [
        ("maps", lambda x: x.reshape(-1)),
        ("maps", lambda x: x[:1]),
        ("maps", lambda x: x * np.float32("nan")),
        ("indices", lambda x: x + 10**9),
        ("predicted", lambda x: x + 10**6),
    ],
)
def test_maps_that_do_not_fit_are_refused(saved: Path, field: str, change: Callable[[np.ndarray], np.ndarray]):
    result = load(saved)
    some = np.arange(3)
    for run in result.runs:
        folder: RunFolder = result.run_folder(run)
        folder.write_maps(Maps(some, some, some, np.ones((3, 4, 4), np.float32)))
        assert len(result.subject().maps(run).maps) == 3
        path = folder.path / "gradcam.safetensors"
        save_file(of(field, change)(load_file(path)), path, {"reason": ""})
        with pytest.raises(StoreError, match=r"gradcam\.safetensors cannot be read"):
            result.subject().maps(run)
    assert "gradcam.safetensors cannot be read" in result.report().read_text()


def test_a_study_file_that_speaks_of_other_images_than_there_are_shows_none(saved: Path):
    file = saved / "study.json"
    about = json.loads(file.read_text())
    about["data"]["class_names"][0] = "another"
    file.write_text(json.dumps(about))
    subject = load(saved).subject().with_images()
    assert subject.images is None
    assert "study.json, which is damaged" in subject.why_no_images
    load(saved).report()
