"""What the report says of the data itself: findings of the checks, looks by others, doubtful labels."""

import json
from dataclasses import replace

import numpy as np
import pytest

from bakeoff.data.checks import Finding
from bakeoff.data.examine import Examined
from bakeoff.errors import StoreError
from bakeoff.report import checks
from bakeoff.report.answers import collect, judged
from bakeoff.report.html import render
from bakeoff.report.label_errors import PICTURES, doubted
from bakeoff.report.subject import Subject
from bakeoff.report.verdict import verdict
from bakeoff.store.database import Event
from bakeoff.store.folder import Predictions
from bakeoff.study.label_errors import FIELDS, find_doubts

PAIR = Finding("near copies", True, 7, "7 <test> images", "look", ("test 1 ~ training 2",), ((1, 150), (2, 3, 4)))


def with_checks(subject: Subject, *findings: Finding, left_out: tuple[str, ...] = ()) -> Subject:
    content = json.loads(json.dumps(Examined(findings, left_out).content()))
    return replace(subject, about={**subject.about, "data": {**subject.about["data"], "checks": content}})


def test_findings_are_shown_with_their_pictures(build) -> None:
    subject = with_checks(build(), PAIR, left_out=("blank",))
    page = render(subject)
    assert "7 &lt;test&gt; images" in page
    assert page.count('<ul class="twins">') == 1
    (shown,) = checks.twins(subject, checks.examined(subject))
    assert [len(group) for group in shown.groups] == [2, 3]
    assert {twin.part for group in shown.groups for twin in group} <= {"training", "validation"}
    assert "Not made" in page
    assert '<ul class="twins">' not in render(replace(subject, images=None))
    assert "found nothing" in render(with_checks(build()))
    assert "was not checked" in render(build())


def test_accuracy_is_given_without_the_images_that_models_may_know(build) -> None:
    subject = build()
    test = collect(subject)
    contender = subject.ranked[0]
    right = test.of[contender.place].predicted == test.labels
    leaked = test.indices[right.any(0)][:12]
    study = with_checks(
        subject, replace(PAIR, leaked=(*leaked.tolist(), 10**6)), replace(PAIR, leaked=(int(leaked[0]),))
    )
    table = checks.accuracy_without(study.ranked, test, checks.examined(study))
    assert "12 test images" in table.note
    others = ~np.isin(test.indices, leaked)
    found = {cells[0].text: [cell.sort for cell in cells[1:]] for cells in table.rows}[contender.label]
    expected = [right.mean(), right[:, others].mean(), right[:, ~others].mean()]
    assert found == pytest.approx([*expected, expected[1] - expected[0]])
    assert "Test accuracy without copies" in render(study)
    assert checks.accuracy_without(subject.ranked, test, None) is None


def test_looks_of_other_studies_are_a_caveat(build) -> None:
    subject = build()
    run = subject.records[0].run_id
    told = [Event(run, "", "looked at before", json.dumps({"studies": n, "runs": 2 * n})) for n in (1, 3)]
    seen = replace(subject, events=(*subject.events, *told))
    judgement = judged(seen, collect(seen))
    assert any("3 other studies" in caveat and "6 runs" in caveat for caveat in verdict(seen, judgement).caveats)
    assert not any("other stud" in caveat for caveat in verdict(subject, judgement).caveats)
    assert "3 other studies" in render(seen)


def mislabelled(subject: Subject, part: str, row: int, first: int = 0) -> tuple[Subject, int, int]:
    """Return the study as if an image had been given another class; its index and its true class."""
    given = subject.predictions(subject.records[0], part)
    true = int(given.labels[row])
    labels = given.labels.copy()
    labels[row] = (true + 1) % 10

    def read(record, asked) -> Predictions:
        said = subject.predictions(record, asked)
        if asked != part:
            return said
        logits = said.logits.copy()
        logits[row, true] = logits[row].max() + 6
        return replace(said, labels=labels, logits=logits, indices=said.indices + first)

    return replace(subject, predictions=read), int(given.indices[row]) + first, true


@pytest.mark.parametrize("part", ["val", "test"])
def test_a_planted_label_error_is_among_the_first(build, part) -> None:
    subject, image, true = mislabelled(replace(build(per_class=40), images=None), part, 5, first=1000)
    doubts = find_doubts(subject.records, subject.predictions)
    first = doubts.rows(subject.class_names)[0]
    assert tuple(first) == FIELDS
    assert (first["image"], first["part"], first["suggested"]) == (image, part, str(true))
    assert first["runs_against"] == 1
    assert first["suggested_probability"] > first["label_probability"]
    shown = doubted(subject, judged(subject, collect(subject)).verdict)
    assert shown.table.rows[0][0] == str(image)
    assert shown.pictures == ()
    assert "Of training images nothing is said" in shown.note
    assert "Labels worth a second look" in render(subject)


def test_doubts_come_with_pictures_and_only_of_readable_runs(build) -> None:
    subject, image, _ = mislabelled(build(per_class=40), "test", 5)

    def read(record, part) -> Predictions:
        said = subject.predictions(record, part)
        if record.spec.seed == 0:
            raise StoreError("lost")
        return replace(said, logits=np.full_like(said.logits, np.nan)) if record.spec.seed == 1 else said

    doubts = find_doubts(subject.records, read)
    assert doubts.runs == len(subject.records) / 3
    shown = doubted(subject, judged(subject, collect(subject)).verdict)
    assert 0 < len(shown.pictures) <= PICTURES
    assert shown.table.rows[0][0] == str(image)
    assert find_doubts(subject.records[:1], read) is None
    weak = replace(
        subject,
        predictions=lambda run, part: replace(
            said := subject.predictions(run, part), labels=(said.labels + said.indices % 2) % 10
        ),
    )
    shown = doubted(weak, judged(weak, collect(weak)).verdict)
    assert (shown.table, shown.pictures) == (None, ())
    assert "not shown" in render(weak)
    assert doubted(subject, None) is None
