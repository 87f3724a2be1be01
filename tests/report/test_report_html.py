"""The page holds together for every kind of study, and nothing in it is taken for markup."""

import json
import math
import re
from dataclasses import replace
from itertools import pairwise

import pytest
from parsed_page import Page

from bakeoff.errors import StoreError
from bakeoff.records.run import Deviation, RunState
from bakeoff.report import plotly
from bakeoff.report.html import render, write
from bakeoff.store.database import Event

HOSTILE = [
    "<script>alert(1)</script>",
    "</script><img src=x onerror=alert(2)>",
    "<!--<script>",
    "&lt;b&gt;bold&lt;/b&gt;",
    "{{ 7 * 7 }}{% raw %}",
    '" onmouseover="alert(3)',
    "javascript:alert(4)",
    "\u2028\u2029",
    "$x_1$ %{y}",
    "שלום \u202eעולם",
    "🏴‍☠️" * 30,
    "x" * 200,
    "odd \udcff bytes",
]


def states(state, *, models=("alpha", "beta", "gamma"), seeds=3):
    return {(model, seed): state for model in models for seed in range(seeds)}


def test_untrusted_text_is_never_markup(build):
    hostile = build(HOSTILE, models=HOSTILE[:6], seeds=2, name=HOSTILE[1], states={(HOSTILE[0], 0): RunState.FAILED})
    deviation = Deviation(HOSTILE[0], HOSTILE[1], HOSTILE[2], HOSTILE[5])
    hostile = replace(
        hostile,
        about={**hostile.about, "command": HOSTILE[1]},
        records=tuple(
            replace(
                record,
                error=HOSTILE[1] if record.error else "",
                deviations=(deviation,),
                environment={HOSTILE[0]: HOSTILE[1]},
            )
            for record in hostile.records
        ),
        events=(*hostile.events, Event(hostile.records[0].run_id, "", "traceback", HOSTILE[1])),
    )
    html = render(hostile).encode("utf-8", "replace").decode()
    page, harmless = Page(html), Page(render(build([f"class {k}" for k in range(13)], models="abcdef", seeds=2)))
    assert {tag for tag, _ in page.tags} <= {tag for tag, _ in harmless.tags} | {"details", "summary", "pre"}
    assert len(page.all("script")) == len(page.scripts) == 3
    assert not [name for _, attributes in page.tags for name in attributes if name.startswith("on")]
    assert all((image["src"] or "").startswith("data:image/") for image in page.all("img"))
    assert all((link["href"] or "").startswith("#") for link in page.all("a"))
    for word in HOSTILE[:6]:
        assert " ".join(word.split()) in page.text


def test_figures_travel_as_json_that_cannot_end_its_script(build):
    page = Page(render(build(HOSTILE, models=HOSTILE[:3])))
    assert not set("<>&\u2028\u2029") & set(page.scripts["figures"])
    figures = json.loads(page.scripts["figures"])
    drawn = [attributes["id"] for attributes in page.all("div") if attributes.get("class") == "plot"]
    assert sorted(figures) == sorted(drawn)


def test_nothing_may_be_fetched_and_no_other_script_run(build):
    page = Page(render(build()))
    (policy,) = [meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy"]
    rules = dict(rule.strip().split(" ", 1) for rule in policy.split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data: blob:"
    assert rules["script-src"] == f"{plotly.allowed(page.scripts['main'].encode())} {plotly.allowed(plotly.script())}"
    assert page.all("iframe") == page.all("object") == page.all("form") == []
    assert [link["href"] for link in page.all("link")] == ["data:,"]


def test_headings_are_in_order_and_every_control_has_a_name(build):
    page = Page(render(build()))
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch(r"h[1-6]", tag)]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    ids = [attributes["id"] for _, attributes in page.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    named = {label["for"] for label in page.all("label")}
    assert {control["id"] for control in [*page.all("input"), *page.all("select")]} == named
    targets = [(link["href"] or "")[1:] for link in page.all("a")]
    assert set(targets) <= set(ids)
    assert all(image.get("alt") is not None for image in page.all("img"))


def test_equal_studies_give_equal_bytes(build):
    assert render(build()) == render(build())


@pytest.mark.parametrize(
    "case",
    [
        {"models": ["solo"], "seeds": 1, "epochs": 1},
        {"validation": False},
        {"states": states(RunState.FAILED)},
        {"states": states(RunState.PENDING)},
        {
            "states": {
                ("alpha", 0): RunState.RUNNING,
                ("beta", 1): RunState.INTERRUPTED,
                ("gamma", 2): RunState.DIVERGED,
            }
        },
        {"names": "ab", "shape": (5, 30, 3)},
        {"names": [str(k) for k in range(25)]},
        {"cost": None, "parameters": None, "best_epoch": None, "epochs_recorded": 0},
    ],
    ids=["one run", "no validation", "all failed", "all pending", "unfinished", "wide", "25 classes", "bare records"],
)
def test_every_kind_of_study_has_a_report(build, case):
    recorded = case.pop("epochs_recorded", None)
    subject = build(case.pop("names", "abc"), **case)
    if recorded == 0:
        subject = replace(subject, records=tuple(replace(record, epochs=()) for record in subject.records))
    holds_together(Page(render(subject)))


def test_metrics_that_are_not_defined_are_dashes(build):
    subject = build()
    undefined = {"loss": math.inf, "macro_f1": math.nan, "roc_auc": math.nan}
    records = tuple(
        replace(record, metrics={part: {**figures, **undefined} for part, figures in record.metrics.items()})
        for record in subject.records
    )
    holds_together(Page(render(replace(subject, records=records))))


def holds_together(page: Page) -> None:
    words = page.text.replace("the loss is nan", "").lower().split()
    assert not {"nan", "inf", "undefined"} & set(words)
    assert not re.search(r"\bNone\b(?!\.)", page.text)


def test_a_model_alone_has_its_other_metrics(build):
    assert Page(render(build(models=["solo"], seeds=2, per_class=50))).text.count("Other metrics and their") == 1


def test_a_study_without_runs_has_a_report(build):
    assert "The study has no runs yet." in Page(render(replace(build(), records=(), events=()))).text


def test_without_images_the_galleries_are_left_out_and_it_says_why(build):
    page = Page(render(replace(build(), images=None, why_no_images="the folder has moved")))
    assert page.all("img") == []
    assert "The images are not at hand, so none are shown. the folder has moved" in page.text
    assert "F1 by class and model" in page.text


def test_without_predictions_the_rest_is_there(build):
    def lost(record, part):
        raise StoreError("the file is gone")

    page = Page(render(replace(build(), predictions=lost)))
    assert "alpha, seed 0: the file is gone" in page.text
    assert "Models by test accuracy" in {table.get("aria-label") for table in page.all("table")}


def test_everything_that_it_takes_to_check_the_study_is_written_out(build):
    subject = build(states={("beta", 0): RunState.FAILED})
    failed = next(record for record in subject.records if record.state is RunState.FAILED)
    subject = replace(
        subject, events=(*subject.events, Event(failed.run_id, "", "traceback", "line 1\nValueError: no"))
    )
    text = Page(render(subject)).text
    about = subject.about
    for needed in (
        about["study_id"],
        about["data"]["fingerprint"],
        about["data"]["split"],
        about["command"],
        "The test set was opened 8 times, by 8 runs, each when its weights were final: once a run.",
        "betas: - 0.9 - 0.999",
        "same-recipe: every model is trained with the same recipe",
        "out of memory",
        "ValueError: no",
        *(record.run_id for record in subject.records if record is not failed),
    ):
        assert needed in text


def test_a_test_set_that_a_run_opened_twice_is_said(build):
    subject = build(models=["only"], seeds=1)
    assert "some runs opened it more than once" in Page(render(replace(subject, events=subject.events * 2))).text


@pytest.mark.parametrize(
    ("case", "megabytes"),
    [
        ({"names": [f"class {k}" for k in range(10)], "models": [f"model {k}" for k in range(10)], "epochs": 100}, 4),
        ({"names": [f"class {k}" for k in range(20)], "models": [f"model {k}" for k in range(20)], "epochs": 200}, 6),
        ({"names": [f"{k} of a thousand classes" for k in range(1000)], "per_class": 6}, 4),
        ({"names": "abcdefghij", "shape": (224, 224, 3), "models": "abcdefghij", "per_class": 30}, 4),
    ],
    ids=["30 runs", "60 runs", "1,000 classes", "photos"],
)
def test_the_page_stays_small(build, case, megabytes):
    case = {"shape": (32, 32, 3), "per_class": 50, **case}
    assert len(render(build(case.pop("names"), **case)).encode()) < megabytes * 1e6


def test_a_path_that_cannot_be_written_is_one_sentence(build, tmp_path):
    with pytest.raises(StoreError, match="cannot write the report"):
        write(build("ab", models=["only"], seeds=1), tmp_path / "missing" / "report.html")


def test_names_that_look_like_colours_or_places_stay_names(build):
    page = Page(render(build(["var(--c3)", "b"], models=["var(--c1)", "other"])))
    figures = json.loads(page.scripts["figures"])
    assert figures["train-loss"]["data"][1]["name"] == "var(--c1)"
    assert figures["class-counts"]["layout"]["xaxis"]["ticktext"] == ["var(--c3)", "b"]
