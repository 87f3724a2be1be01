"""What the report shows of the evidence is what the evidence says."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.special import softmax
from sklearn.metrics import f1_score, log_loss, roc_auc_score
from test_verdict import answering

from bakeoff.evidence.calibration import reliability
from bakeoff.evidence.temperature import fit_temperature
from bakeoff.records.run import RunState
from bakeoff.report.answers import collect, judged
from bakeoff.report.calibration import calibration_figure, calibration_table, calibrations
from bakeoff.report.class_differences import class_difference_figure
from bakeoff.report.cost import cost_views
from bakeoff.report.cost_ratios import cost_letters, ratio_table
from bakeoff.report.intervals import interval_figure
from bakeoff.report.metrics import metric_table
from bakeoff.report.pairs import pair_figure, pair_table
from bakeoff.report.prices import PRICES
from bakeoff.report.ranking import ranking


@pytest.fixture(scope="module")
def planted(build):
    """Two copies and a model that is far worse, cheaper and smaller, with their test answers and verdict."""
    subject = build(models=["one", "two", "worse"], seeds=3, per_class=250)
    subject = answering(subject, {"one": 0.9, "two": 0.898, "worse": 0.6}, {"one": 50, "two": 60, "worse": 5})
    test = collect(subject)
    return subject, test, judged(subject, test).verdict


def test_the_ranking_shows_intervals_and_letters(planted):
    subject, _, verdict = planted
    table = ranking(subject.ranked, verdict)
    column = [column.title for column in table.columns].index("95 % interval")
    assert [row[column + 1] for row in table.rows] == ["a", "a", "b"]
    low, high = map(float, table.rows[0][column].text.split(" to "))
    assert low < 90 < high


def test_intervals_are_those_of_the_verdict(planted):
    subject, _, verdict = planted
    traces = interval_figure(subject, verdict).traces
    for estimate, trace in zip(verdict.estimates, traces[1::2], strict=True):
        assert trace["x"] == pytest.approx([estimate.mean], rel=1e-4)
        assert trace["error_x"]["array"] == pytest.approx([estimate.high - estimate.mean], rel=1e-3)
    assert len(traces[0]["x"]) == 3  # the runs


def test_the_matrix_has_a_sign_where_a_difference_is_called(planted):
    _, _, verdict = planted
    (cells,) = pair_figure(verdict).traces
    assert cells["z"] == [[None, 0, 1], [0, None, 1], [-1, -1, None]]
    assert float(cells["text"][0][2]) == pytest.approx(30, abs=0.5)
    assert cells["text"][2][0].startswith("\N{MINUS SIGN}")
    assert "for all pairs &lt; 0.001" in cells["customdata"][0][2]


def test_the_matrix_speaks_of_other_pairs_and_of_single_runs_only_where_there_are_some(build, planted):
    assert "given so many pairs" in pair_figure(planted[2]).note
    states = {("c", 1): RunState.FAILED}
    for subject in build(models=["a", "b"], seeds=2), build(models=["a", "b", "c"], seeds=2, states=states):
        note = pair_figure(judged(subject, collect(subject)).verdict).note
        assert "given so many pairs" not in note
        assert ("or not compared, as one of the two ran once" in note) == (len(subject.ranked) == 3)


def test_every_pair_is_in_the_table(planted):
    subject, _, verdict = planted
    rows = pair_table(subject, verdict).rows
    assert [(row[0].text, row[1].text, row[7]) for row in rows] == [
        ("one", "two", "tied"),
        ("one", "worse", "differ"),
        ("two", "worse", "differ"),
    ]
    assert {row[8] for row in rows} == {"new trainings"}


def test_a_single_run_among_several_is_not_compared_and_why_is_said(build):
    subject = build(models=["one", "two"], seeds=2, states={("two", 1): RunState.FAILED})
    verdict = judged(subject, collect(subject)).verdict
    ((*_, called, about),) = pair_table(subject, verdict).rows
    assert called == "–"
    assert "two ran once" in about
    assert class_difference_figure(subject, collect(subject), verdict) is None


def test_one_model_has_no_pairs(build):
    subject = build(models=["only"])
    verdict = judged(subject, collect(subject)).verdict
    assert interval_figure(subject, verdict) is pair_figure(verdict) is pair_table(subject, verdict) is None
    assert pair_figure(None) is interval_figure(subject, None) is None


def test_many_models_are_cut_to_the_best(build):
    subject = build("ab", models=[f"net {k}" for k in range(40)], seeds=2, epochs=1)
    verdict = judged(subject, collect(subject)).verdict
    assert len(pair_figure(verdict).traces[0]["z"]) == 24
    assert len(pair_table(subject, verdict).rows) == 300


def test_classes_are_compared_between_the_two_best(planted):
    subject, test, verdict = planted
    figure = class_difference_figure(subject, test, verdict)
    right = [(test.of[place].predicted == test.labels).mean(0) for place in (0, 1)]
    expected = [100 * (right[0] - right[1])[test.labels == k].mean() for k in range(10)]
    assert figure.traces[0]["x"] == pytest.approx(expected, abs=1e-3)
    assert len(figure.table.rows) == 10


def test_the_front_leaves_out_what_a_cheaper_model_beats(planted):
    subject, _, verdict = planted
    seconds = cost_views(subject.ranked, verdict)[0].figure
    (front,) = [trace for trace in seconds.traces if trace["meta"] is None]
    assert front["x"] == [5, 50]
    assert "worth their cost: worse, one and two." in seconds.note


def test_calibration_is_measured_on_test_and_mended_on_validation(build):
    subject = build(models=["only"], seeds=2, per_class=200)
    (found,) = calibrations(subject, collect(subject))
    before, after, temperatures = [], [], []
    for record in subject.records:
        test, val = (subject.predictions(record, part) for part in ("test", "val"))
        temperature = fit_temperature(val.logits, val.labels)
        for scale, errors in ((1, before), (temperature, after)):
            weights = np.exp(test.logits.astype(float) / scale)
            errors.append(reliability(weights / weights.sum(1, keepdims=True), test.labels).ece)
        temperatures.append(temperature)
    assert found.ece == pytest.approx(np.mean(before), rel=1e-6)
    assert found.scaled == pytest.approx(np.mean(after), rel=1e-6)
    assert found.temperature == pytest.approx(np.mean(temperatures))
    assert len(calibration_table([found]).rows) == 1
    assert calibration_figure([found]).traces[1]["meta"] == 0


def test_without_validation_there_is_no_temperature(build):
    subject = build(models=["only"], validation=False)
    (found,) = calibrations(subject, collect(subject))
    assert found.scaled is None
    assert calibration_table([found]).rows[0][2].text == "–"
    assert calibration_figure([]) is calibration_table([]) is None


def test_costs_are_ratios_to_the_best(planted, build):
    subject, _, _ = planted
    rows = {row[0].text: row for row in ratio_table(subject.ranked, PRICES[0]).rows}
    assert rows["worse"][2].text == "0.1"
    assert rows["worse"][3] == "0.1 to 0.1"  # the same seconds in every run
    assert ratio_table(build(models=["only"]).ranked, PRICES[0]) is None


def test_other_metrics_have_intervals_and_equal_their_references(build):
    subject = build(models=["a", "b"], seeds=3, per_class=50)
    rows = {(row[0], row[1].text): row for row in metric_table(subject, collect(subject)).rows}
    one_hot = np.eye(10)
    for contender in subject.ranked:
        said = [subject.predictions(run, "test") for run in contender.finished]
        sure = [softmax(one.logits.astype(float), 1) for one in said]
        truths = {
            "macro F1": [f1_score(one.labels, one.logits.argmax(1), average="macro") for one in said],
            "loss": [log_loss(one.labels, of, labels=range(10)) for one, of in zip(said, sure, strict=True)],
            "ROC AUC": [roc_auc_score(one_hot[one.labels], of) for one, of in zip(said, sure, strict=True)],
            "calibration error": [reliability(of, one.labels).ece for one, of in zip(said, sure, strict=True)],
        }
        assert {metric for metric, _ in rows} == {*truths}
        for metric, found in truths.items():
            mean, low = rows[metric, contender.label][2:4]
            assert mean.sort == pytest.approx(np.mean(found), abs=1e-5)
            assert low.sort < mean.sort


def test_areas_of_a_class_without_test_images_are_left_out_and_that_is_said(build):
    subject = build(models=["a"], seeds=2, per_class=5)
    table = metric_table(subject, collect(subject))
    assert {row[0] for row in table.rows} == {"loss"}
    assert "Not judged: macro F1, ROC AUC and calibration error, for too few images" in table.note


def test_costs_have_letters_of_all_pairs(build):
    subject = answering(build(models=["a", "b", "c"], seeds=3), {"a": 0.9, "b": 0.8, "c": 0.7})

    def timed(record):
        seconds = {"a": (10, 11, 12), "b": (10.5, 11.5, 12), "c": (1, 1.1, 1.2)}[record.spec.model.name]
        return replace(record, cost=replace(record.cost, train_seconds=seconds[record.spec.seed]))

    subject = replace(subject, records=tuple(map(timed, subject.records)))
    assert cost_letters(subject.ranked, PRICES[0]) == {"c": "a", "a": "b", "b": "b"}
    assert cost_letters(build(models=["a", "b"], seeds=1).ranked, PRICES[0]) == {}


def test_a_loss_that_is_not_finite_takes_no_other_metric_with_it(build):
    subject = build(models=["a", "b"], seeds=2, per_class=50)

    def infinite(run, part):
        said = subject.predictions(run, part)
        logits = said.logits.copy()
        logits[0] = np.inf
        return replace(said, logits=logits)

    broken = replace(subject, predictions=infinite)
    assert {row[0] for row in metric_table(broken, collect(broken)).rows} == {"macro F1"}
    assert "Not judged: loss, ROC AUC and calibration error" in metric_table(broken, collect(broken)).note


def test_no_interval_of_a_metric_reaches_beyond_what_it_can_be(build):
    subject = build(models=["a"], seeds=2, per_class=15)
    (area,) = [row[3].text for row in metric_table(subject, collect(subject)).rows if row[0] == "ROC AUC"]
    assert area.endswith(" to 1.0000")
