"""Two studies side by side."""

from dataclasses import replace

import numpy as np
import pytest
from test_judgement import planted, record

from bakeoff.records.run import RunState
from bakeoff.study.difference import Side, difference

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
