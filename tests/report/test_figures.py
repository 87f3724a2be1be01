"""Figures and tables hold the numbers of the records, and show names literally."""

import json
import math
from dataclasses import replace

import numpy as np
import pytest
from shown import cells_of, of_model

from bakeoff.data.corruptions import CORRUPTIONS, SEVERITIES
from bakeoff.errors import StoreError
from bakeoff.export.figures import save
from bakeoff.records.run import RunState
from bakeoff.report.answers import collect
from bakeoff.report.classes import class_table
from bakeoff.report.confusion import confused_pairs, confusion_figure
from bakeoff.report.cost import cost_views
from bakeoff.report.curves import curve_figures
from bakeoff.report.dataset import study_counts
from bakeoff.report.figure import inert
from bakeoff.report.gradcam import looks, overlaid
from bakeoff.report.palette import palette
from bakeoff.report.ranking import ranking, strips, unranked
from bakeoff.report.robustness import robustness_figures, robustness_table
from bakeoff.report.runs import run_table
from bakeoff.report.text import duration, percent, short, size
from bakeoff.store.folder import Maps


def test_a_learning_curve_is_the_mean_over_seeds_within_their_range(build):
    subject = build(models=["only"], seeds=3, epochs=4)
    figure = next(one for one in curve_figures(subject.contenders) if one.id == "train-loss")
    losses = np.array([[row.train_loss for row in record.epochs] for record in subject.records])
    (line,) = of_model(figure, 0, mode="lines", fill=None)
    (band,) = of_model(figure, 0, fill="toself")
    assert line["x"] == [1, 2, 3, 4]
    assert line["y"] == pytest.approx(losses.mean(0), rel=1e-4)
    assert band["x"] == [1, 2, 3, 4, 4, 3, 2, 1]
    assert band["y"] == pytest.approx([*losses.max(0), *losses.min(0)[::-1]], rel=1e-4)


def test_rings_are_the_epochs_that_were_kept(build):
    subject = build(models=["only"], seeds=2)
    records = tuple(replace(record, best_epoch=2 + record.spec.seed) for record in subject.records)
    figure = next(
        one for one in curve_figures(replace(subject, records=records).contenders) if one.id == "val-accuracy"
    )
    (rings,) = of_model(figure, 0, mode="markers")
    assert rings["x"] == [2, 3]
    assert rings["y"] == pytest.approx([records[0].epochs[1].val_accuracy, records[1].epochs[2].val_accuracy], rel=1e-4)


def test_a_loss_that_is_not_finite_is_left_out(build):
    subject = build(models=["only"], seeds=1, epochs=3)
    (record,) = subject.records
    rows = (*record.epochs[:2], replace(record.epochs[2], train_loss=math.inf))
    figures = curve_figures(replace(subject, records=(replace(record, epochs=rows),)).contenders)
    assert figures[0].traces[0]["x"] == [1, 2]
    json.dumps([figure.plot for figure in figures], allow_nan=False)


def test_without_validation_there_are_no_validation_curves(build):
    figures = curve_figures(build(validation=False).contenders)
    assert [figure.id for figure in figures] == ["train-loss", "train-accuracy"]


def test_long_curves_are_thinned_and_keep_their_ends(build):
    figure = curve_figures(build(models=["only"], seeds=1, epochs=1000).contenders)[0]
    epochs = figure.traces[0]["x"]
    assert (epochs[0], epochs[-1]) == (1, 1000)
    assert len(epochs) <= 300


def test_the_share_among_five_is_shown_where_there_are_more_classes(build):
    subject = build(models=["a", "b"], seeds=1)
    scored = [
        replace(one, metrics={**one.metrics, "test": {**one.metrics["test"], "top5_accuracy": share}})
        for one, share in zip(subject.records, (0.987, 0.9), strict=True)
    ]
    assert cells_of(ranking(replace(subject, records=tuple(scored)).ranked, None))["top 5"] == "98.70 %"
    trivial = [
        replace(one, metrics={**one.metrics, "test": {**one.metrics["test"], "top5_accuracy": 1.0}}) for one in scored
    ]
    assert "top 5" not in cells_of(ranking(replace(subject, records=tuple(trivial)).ranked, None))


def test_the_confusion_matrix_adds_up_the_runs(build):
    subject = build("abc", models=["only"], seeds=2, per_class=30)
    test = collect(subject)
    counts = test.of[0].confusion(test.labels, 3)
    expected = np.zeros((3, 3), int)
    for record in subject.records:
        said = subject.predictions(record, "test")
        np.add.at(expected, (said.labels, said.logits.argmax(1)), 1)
    assert counts.tolist() == expected.tolist()
    (trace,) = confusion_figure(0, "only", counts, subject.class_names, 2).traces
    assert trace["customdata"][0] == pytest.approx(expected[0] / expected[0].sum(), abs=1e-3)
    assert [trace["text"][k][k] for k in range(3)] == [str(expected[k, k]) for k in range(3)]


def test_frequent_mistakes_come_first():
    counts = np.array([[8, 2, 0], [5, 5, 0], [0, 0, 10]])
    assert confused_pairs(counts, ("cat", "dog", "emu")).rows == [
        ("dog", "cat", "5", percent(0.5, 1)),
        ("cat", "dog", "2", percent(0.2, 1)),
    ]


def test_class_figures_are_pooled_and_support_is_counted_once():
    counts = np.array([[6, 2], [4, 8]])  # of two runs
    row = class_table(counts, ("cat", "dog"), 2, 10).rows[0]
    assert row == ("cat", percent(0.6), percent(0.75), percent(2 * 6 / 18), "4")


def test_the_ranking_holds_finished_runs_only(build):
    subject = build(states={("alpha", 0): RunState.FAILED, ("gamma", 2): RunState.RUNNING})
    titles = [column.title for column in ranking(subject.ranked, None).columns]
    rows = {row[1].text: dict(zip(titles, row, strict=True)) for row in ranking(subject.ranked, None).rows}
    assert (rows["alpha"]["runs"], rows["alpha"]["failed"]) == ("2", "1")
    assert (rows["gamma"]["runs"], rows["gamma"]["failed"]) == ("2", "0")
    finished = [record.metrics["test"]["accuracy"] for record in subject.contenders[0].finished]
    assert percent(float(np.mean(finished))).removesuffix("%")[:5] in rows["alpha"]["test accuracy"].text
    left_out = unranked(subject)
    assert [(row[0].text, row[1], row[2], row[4]) for row in left_out.rows] == [
        ("alpha", "0", "failed", "out of memory"),
        ("gamma", "2", "running", "is being trained, or was cut off"),
    ]


def test_strips_span_all_seeds(build):
    subject = build()
    dots = [dot for strip in strips(subject.ranked) for dot in strip.dots]
    assert (min(dots), max(dots), len(dots)) == (0, 100, 9)


def test_every_run_has_loss_and_accuracy_of_every_part(build):
    subject = build(models=["only"], seeds=1)
    (row,) = run_table(subject).rows
    metrics = subject.records[0].metrics
    assert row[3:9] == tuple(
        text
        for part in ("train", "val", "test")
        for text in (f"{metrics[part]['loss']:.4f}", percent(metrics[part]["accuracy"]))
    )
    assert row[2].text == "4 of 4"


def test_class_counts_are_the_same_from_images_and_from_predictions(build):
    subject = build("abc")
    from_images = study_counts(subject)
    from_predictions = study_counts(replace(subject, images=None))
    assert {part: of.tolist() for part, of in from_images.items()} == {
        part: of.tolist() for part, of in from_predictions.items()
    }
    assert from_images["test"].tolist() == [4, 4, 4]


def test_plotly_is_given_no_markup():
    assert inert("<b>&amp;</b>\n x") == "&lt;b&gt;&amp;amp;&lt;/b&gt; x"
    assert len(inert("x" * 200)) == 32


def test_numbers_are_written_for_people():
    assert [duration(s).replace("\N{NO-BREAK SPACE}", " ") for s in (0.012, 5, 61.2, 200, 7300)] == [
        "0.012 s",
        "5.0 s",
        "61 s",
        "3 min 20 s",
        "2 h 01 min",
    ]
    assert size(1_500_000).replace("\N{NO-BREAK SPACE}", " ") == "1.5 MB"
    assert percent(math.nan) == percent(None) == "–"
    assert short(" \n ") == "' \\n '"


def test_robustness_is_summed_up_over_seeds_and_severities(build, tmp_path):
    subject = build(models=["a", "b"], seeds=2)
    records = []
    for record in subject.records:
        clean, step = record.metrics["test"]["accuracy"], 0.01 * (1 + record.spec.seed)
        found = {f"{name}.{severity}": clean - step * severity for name in CORRUPTIONS for severity in SEVERITIES}
        judged = record.spec.model.name == "a"
        records.append(replace(record, metrics={**record.metrics, "robustness": found} if judged else record.metrics))
    ranked = replace(subject, records=tuple(records)).ranked
    table = robustness_table(ranked)
    assert len(table.rows) == 1, "a model that was not judged is not there"
    assert cells_of(table)["drop"] == "3.0 points ± 1.4"  # drops of 2 and 4 points
    assert cells_of(table)["runs"] == "2"
    kinds, severities = robustness_figures(ranked)
    (trace,) = severities.traces
    clean = ranked[0].accuracy
    assert severities.plot["layout"]["xaxis"]["ticktext"] == trace["text"] == ["clean", "1", "2", "3"]
    assert len(save([kinds, severities], palette(), tmp_path)) == 2
    assert trace["y"] == pytest.approx([clean, clean - 0.015, clean - 0.03, clean - 0.045], rel=1e-3)
    assert kinds.traces[0]["text"] == ["clean", *CORRUPTIONS]
    json.dumps([kinds.plot, severities.plot], allow_nan=False)
    assert robustness_table(subject.ranked) is None
    assert robustness_figures(subject.ranked) == []


def test_heat_lies_over_the_image_and_lost_maps_are_said(build):
    subject = build(models=["a", "b", "c"], seeds=1, shape=(16, 16, 3))
    heat = np.zeros((1, 4, 4), np.float32)
    heat[0, 0, 3] = 1
    kept = Maps(np.array([5]), np.array([5]), np.array([7]), heat)
    given = {"a": kept, "b": Maps.none("b has no maps")}

    def maps(record):
        if record.spec.model.name == "c":
            raise StoreError("gone")
        return given[record.spec.model.name]

    first, second, third = looks(replace(subject, maps=maps))
    (picture,) = first.pictures
    assert (picture.actual, picture.predicted, picture.right) == ("5", "7", False)
    assert second.reason == "b has no maps."
    assert third.reason == "Gone."
    assert looks(replace(subject, images=None)) == []
    drawn = overlaid(np.full((16, 16, 3), 100, np.uint8), heat[0]).astype(int).sum(2)
    assert np.unravel_index(drawn.argmax(), drawn.shape)[0] < 4
    assert np.unravel_index(drawn.argmax(), drawn.shape)[1] >= 12
    assert overlaid(np.zeros((5, 9, 1), np.uint8), heat[0]).shape == (5, 9, 3)


def test_no_axis_goes_past_all_or_before_the_first_epoch(build):
    subject = build(models=["only", "other"], seeds=2, epochs=4)
    for figure in curve_figures(subject.contenders):
        assert figure.layout["xaxis"]["autorangeoptions"] == {"clipmin": 0.5, "clipmax": 4.5}
    views = [*curve_figures(subject.contenders), *(view.figure for view in cost_views(subject.ranked))]
    shares = [figure for figure in views if "%" in figure.layout["yaxis"].get("tickformat", "")]
    assert len(shares) > 2
    for figure in shares:
        assert figure.layout["yaxis"]["autorangeoptions"] == {"clipmin": 0, "clipmax": 1}


def test_settings_of_one_model_are_told_apart_by_the_ends_of_their_names():
    names = [inert(f"simcnn (short (lr={rate}))", 20) for rate in (0.001, 0.0003, 0.01)]
    assert names == ["simcnn (s…lr=0.001))", "simcnn (s…r=0.0003))", "simcnn (s…(lr=0.01))"]
    assert (inert("", 20), inert("<b>", 20)) == ("''", "&lt;b&gt;")
