"""Who looked at a test set: other studies are counted, the same one is not."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bakeoff
from bakeoff.data.imageset import ImageSet
from bakeoff.data.looks import Ledger, Looks
from bakeoff.data.splits import images_tested
from bakeoff.specs.data import DataSpec
from bakeoff.specs.protocol import Protocol
from bakeoff.study.looks import sentence


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))


def compare(out: Path, **changes: Any) -> bakeoff.Result:
    fixed = {
        "models": "lenet5",
        "epochs": 1,
        "amp": "off",
        "offline": True,
        "device": "cpu",
        "seeds": 1,
        "max_train": 50,
    }
    return bakeoff.compare("digits", out=out, **{**fixed, "batch_size": 32, **changes})


def test_a_changed_study_is_told_of_the_looks_of_the_earlier_ones(tmp_path: Path) -> None:
    first = compare(tmp_path / "one", seeds=2)
    assert first.judgement().looked == ""
    assert compare(tmp_path / "again", seeds=2).judgement().looked == "", "the same study is not another one"
    # Another part for validation leaves the test images as they are.
    changed = compare(tmp_path / "two", lr=0.01, val_fraction=0.2)
    assert "another study on this machine (2 runs)" in changed.judgement().looked
    third = compare(tmp_path / "three", lr=0.02)
    assert "2 other studies on this machine (3 runs)" in third.judgement().looked
    assert "2 other studies on this machine (3 runs)" in third.report().read_text(encoding="utf-8")
    earlier = bakeoff.load(tmp_path / "one")
    assert earlier.judgement().looked == "", "what came later did not spoil it"
    assert "No other study on this machine had looked" in earlier.report().read_text(encoding="utf-8")
    wider = compare(tmp_path / "one", seeds=3)
    assert "2 other studies on this machine (2 runs)" in wider.judgement().looked


def ledger(cache: Path, split_seed: int = 0, folds: int | None = None, **changes: Any) -> Ledger:
    labels = np.arange(60) % 3
    images = ImageSet(np.zeros((60, 4, 4, 1), np.uint8), labels, ("a", "b", "c"), {"train": np.arange(60)}, {}, "f")
    protocol = Protocol(split_seed=split_seed, folds=folds)
    return Ledger(cache, images, images_tested(images, DataSpec(name="x", **changes), protocol))


def test_the_ledger_knows_test_sets_by_their_images(tmp_path: Path) -> None:
    ledger(tmp_path).add("study", "run")
    assert ledger(tmp_path, max_train=12).others(()) == Looks(1, 1)
    assert ledger(tmp_path).others({"run"}).runs == 0


def test_looks_at_some_of_the_images_count_by_their_share(tmp_path: Path) -> None:
    plain, other, folds = ledger(tmp_path), ledger(tmp_path, split_seed=1), ledger(tmp_path, folds=3)
    assert plain.path != other.path
    shared = (plain._tested & other._tested).sum() / 12
    assert 0 < shared < 1
    plain.add("study", "run")
    assert other.others(()) == Looks(1, 1, shared)
    assert folds.others(()) == Looks(1, 1, 0.2), "folds test every image, a plain split a fifth"
    folds.add("folds", "first")
    folds.add("folds", "second")
    assert plain.others({"run"}) == Looks(1, 2)
    assert other.others(()) == Looks(2, 3)
    assert sentence(Looks(1, 2, 0.206)).startswith("Of these test images, 21 % had been looked at before by another")
    for path in plain.path.parent.glob("*.images"):
        path.write_bytes(b"?")
    assert other.others(()).runs == 0, (
        "where nothing says at which images they were, looks at other parts count nowhere"
    )
    assert plain.others(()) == Looks(1, 1), "those at the same part do"


def test_a_damaged_ledger_keeps_what_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = ledger(tmp_path)
    one.add("study", "run")
    with one.path.open("ab") as file:
        file.write(b'\xff\n[]\n{"study": "cut')
    one.add("study", "more")
    one.add("study", "more")
    assert one.others(()) == Looks(1, 2)
    assert one.path.read_bytes().count(b"more") == 1
    monkeypatch.setattr("bakeoff.data.looks.MOST", 2)
    one.add("study", "beyond")
    assert one.others(()) == Looks(1, 2)


def test_a_cache_that_cannot_be_written_stops_no_run(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    (tmp_path / "file").write_bytes(b"")
    ledger(tmp_path / "file").add("study", "run")
    assert "cannot be kept" in caplog.text
    assert ledger(tmp_path / "file").others(()).runs == 0
