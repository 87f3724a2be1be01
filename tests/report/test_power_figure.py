"""The curve of seeds is that of the evidence, by the study's own spread, and is not drawn where that is not known."""

from dataclasses import replace

import numpy as np
import pytest
from test_verdict import answering

from bakeoff.evidence.components import components
from bakeoff.evidence.power import Spread, power
from bakeoff.report.answers import collect, judged
from bakeoff.report.power import power_of


def spreading(subject):
    """Return the study with runs that are right on a share of the images that goes by their seed."""

    def predictions(record, part):
        said = subject.predictions(record, part)
        random = np.random.default_rng([*record.spec.model.name.encode(), record.spec.seed])
        right = random.random(len(said.labels)) < 0.6 + 0.08 * record.spec.seed
        logits = np.eye(said.logits.shape[1], dtype=np.float32)[(said.labels + ~right) % said.logits.shape[1]]
        return replace(said, logits=logits)

    return replace(subject, predictions=predictions)


def drawn(subject):
    test = collect(subject)
    return power_of(subject, test, judged(subject, test).verdict), test


def test_the_curve_has_the_power_that_it_says(build):
    found, test = drawn(spreading(build(models=["a", "b", "c"], seeds=4, per_class=100)))
    spread = Spread.typical([components((of.predicted == test.labels).astype(float)) for of in test.of.values()])
    for trace, wanted in zip(found.traces, (0.95, 0.8, 0.5), strict=True):
        assert f"{100 * wanted:.0f} %" in trace["name"]
        for points, seeds in [*zip(trace["x"], trace["y"], strict=True)][::3]:
            alpha = 0.05 / 3  # three pairs
            assert power(points / 100, seeds, spread, len(test.labels), alpha) == pytest.approx(wanted, abs=0.002)
    assert "By the spread of this study" in found.note
    assert "divided by 3 pairs" in found.note
    assert len(found.table.rows) == len(found.traces[2]["x"]) == 10
    assert max(found.traces[0]["x"]) <= 100, "no two accuracies differ by more"


def test_without_enough_runs_or_a_spread_there_is_no_curve(build):
    assert drawn(spreading(build(models=["a", "b"], seeds=2)))[0] is None
    assert drawn(spreading(build(models=["only"], seeds=5)))[0] is None
    alike = answering(build(models=["a", "b"], seeds=5), {"a": 0.9, "b": 0.8})  # all runs of a model are equally good
    assert drawn(alike)[0] is None
    assert "may be luck" in drawn(spreading(build(models=["a", "b"], seeds=3)))[0].note
