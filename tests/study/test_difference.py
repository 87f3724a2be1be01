"""Two studies side by side."""

from dataclasses import replace

import numpy as np
import pytest
from test_judgement import planted, record

from bakeoff.records.run import Cost, RunState
from bakeoff.study.difference import COSTS, Side, difference

ABOUT = {"identity": {"protocol": {"val_fraction": 0.1}}, "data": {"fingerprint": "f00d"}}


def side(name, shares, about=ABOUT, extra=(), seeds=3):
    groups, read = planted(shares, seeds)
    return Side(name, about, (*(run for group in groups.values() for run in group), *extra), read)


def test_a_changed_setting_and_what_it_did_are_found():
    changed = {**ABOUT, "identity": {"protocol": {"val_fraction": 0.2}}}
    found = difference(side("A", {"one": 0.9, "two": 0.8}), side("B", {"one": 0.87, "two": 0.8}, changed))
    assert found.settings == ("protocol.val_fraction is 0.1 in A and 0.2 in B",)
    assert found.comparisons["one"].different
    assert found.comparisons["one"].difference == pytest.approx(0.03, abs=0.01)
    assert not found.comparisons["two"].different
    assert found.comparisons["two"].adjusted >= found.comparisons["two"].p_value
    assert found.only == ()


def test_what_is_the_same_in_every_run_is_told_from_one(monkeypatch):
    monkeypatch.setitem(COSTS, "parameters", lambda run: 100)
    monkeypatch.setitem(COSTS, "training time", lambda run: 2.0)
    costs = difference(side("A", {"one": 0.9}, seeds=1), side("B", {"one": 0.9}, seeds=1)).costs["one"]
    assert (costs["parameters"].low, costs["parameters"].high) == (1, 1)
    assert costs["training time"].low is None


def test_a_study_does_not_differ_from_itself():
    one = side("A", {"one": 0.9})
    found = difference(one, replace(one, name="B", records=tuple(replace(run) for run in one.records)))
    assert found.settings == ()
    assert found.comparisons["one"].difference == 0


def test_models_of_one_study_alone_are_named():
    found = difference(
        side("A", {"one": 0.9}, extra=[record("three", 0, RunState.DIVERGED)]), side("B", {"one": 0.9, "two": 0.8})
    )
    assert found.only == ("two",)


def test_other_images_are_refused():
    found = difference(side("A", {"one": 0.9}), side("B", {"one": 0.9}, {**ABOUT, "data": {"fingerprint": "beef"}}))
    assert found.comparisons == {}
    assert "different images" in found.reason
    assert found.settings == ("the images are not the same",)


def test_images_are_told_by_what_they_are_and_not_by_their_hash():
    abouts = [
        {**ABOUT, "data": {"fingerprint": print_, "shape": [size, 8, 8, 1], "class_names": ["a", "b"]}}
        for print_, size in (("f00d", 100), ("beef", 90))
    ]
    one, other = (side(name, {"one": 0.9}, about) for name, about in zip("AB", abouts, strict=True))
    one = replace(one, records=resolved(one.records, data={"fingerprint": "f00d" * 16}))
    assert difference(one, other).settings == (
        "the images are not the same: 100 of 8x8 pixels in grey and 2 classes in A"
        " and 90 of 8x8 pixels in grey and 2 classes in B",
    )


def test_other_test_images_are_refused():
    one, other = side("A", {"one": 0.9}), side("B", {"one": 0.9})
    read = other.read

    def elsewhere(run, part):
        said = read(run, part)
        return replace(said, indices=np.roll(said.indices, 1))

    found = difference(one, replace(other, read=elsewhere))
    assert "one in A, seed 0 and one in B, seed 0 were judged on different test sets" in found.reason


def test_nothing_in_common_is_said():
    assert (
        difference(side("A", {"one": 0.9}), side("B", {"two": 0.9})).reason == "No model has finished in both studies."
    )


def resolved(records, **changed):
    """Return runs whose models and recipes were resolved otherwise."""
    return tuple(
        replace(
            run,
            spec=run.spec.model_copy(
                update={room: getattr(run.spec, room).model_copy(update=fields) for room, fields in changed.items()}
            ),
            stored_id=run.run_id,
        )
        for run in records
    )


def test_other_settings_of_a_model_are_told_and_what_all_share_is_told_once():
    one, other = side("A", {"one": 0.9, "two": 0.8}), side("B", {"one": 0.9, "two": 0.8})
    mixed = (*resolved(other.records[:3], model={"image_size": 20}), *other.records[3:])
    found = difference(one, replace(other, records=mixed))
    assert found.settings == ("one: model.image_size is not set in A and 20 in B",)
    slower = resolved(other.records, recipe={"epochs": 7, "name": "default"}, model={"freeze": "all"})
    said = difference(one, replace(other, records=slower)).settings
    assert sorted(line.split(" is ")[0] for line in said) == ["model.freeze", "recipe.epochs"]


def test_settings_are_told_before_anything_is_finished():
    one, other = side("A", {"one": 0.9}), side("B", {"one": 0.9})
    changed = resolved(other.records, recipe={"epochs": 4})
    found = difference(one, replace(other, records=tuple(replace(run, state=RunState.DIVERGED) for run in changed)))
    assert found.settings == ("recipe.epochs is 10 in A and 4 in B",)
    assert found.only == ("one",)


def test_other_seeds_versions_and_training_images_are_told():
    one, other = side("A", {"one": 0.9}), side("B", {"one": 0.9})
    read = other.read

    def fewer(run, part):
        said = read(run, part)
        return replace(said, indices=said.indices[:-5]) if part == "train" else said

    later = tuple(replace(run, environment={"torch": "3.0"}) for run in other.records[1:])
    with_versions = tuple(replace(run, environment={"torch": "2.0"}) for run in one.records)
    found = difference(replace(one, records=with_versions), replace(other, records=later, read=fewer))
    assert found.settings == (
        "the training images are not the same: 10,000 in A and 9,995 in B, of which 9,995 are in both",
        "the seeds are 0, 1, 2 in A and 1, 2 in B",
        "the versions of torch: 2.0 in A and 3.0 in B",
    )


def test_costs_are_compared_where_all_runs_have_them():
    def paid(of, seconds):
        costs = [Cost(value, value, 1.0, 1, 1) for value in seconds]
        return replace(of, records=tuple(replace(run, cost=cost) for run, cost in zip(of.records, costs, strict=True)))

    one, other = paid(side("A", {"one": 0.9}), [2.0, 2.1, 1.9]), paid(side("B", {"one": 0.9}), [1.0, 1.05, 0.95])
    found = difference(one, other).costs["one"]["training time"]
    assert found.ratio == pytest.approx(2, rel=1e-6)
    assert found.low > 1.5
    assert difference(one, side("B", {"one": 0.9})).costs == {"one": {}}


def test_two_single_runs_are_compared_whatever_their_models():
    one, other = side("A", {"one": 0.9}, seeds=1), side("B", {"two": 0.8}, seeds=1)
    other = replace(other, records=(record("two", 0),), read=planted({"zero": 0.5, "two": 0.8}, 1)[1])
    found = difference(replace(one, single=True), replace(other, single=True))
    assert found.comparisons["one and two"].different
    assert found.comparisons["one and two"].scope == "these trained networks"
    assert 'model.name is "one" in A and "two" in B' in found.settings
    assert found.only == ()
