"""The pages: what they say of studies that are whole, going on, cut off or broken."""

import html
import json
import re
import shutil
import sqlite3
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from served import OURS, Trainer, over, png, text

import bakeoff
from bakeoff.app.pages.overview import summaries
from bakeoff.app.pages.wrong import Mistakes
from bakeoff.app.standing import Standing, standing
from bakeoff.app.studies import Studies
from bakeoff.records.run import RunState
from bakeoff.store.folder import Predictions
from bakeoff.store.worker import Worker

HERE = str(Worker.current())


def contents(root: Path) -> dict[str, bytes]:
    return {str(path): path.read_bytes() for path in root.rglob("*") if path.is_file()}


def test_the_first_page_has_every_study_with_its_best(client, trained):
    page = text(client.get("/").text)
    for folder in ("small", "deep/longer"):
        best = bakeoff.load(trained / folder).leaderboard().iloc[0]
        low, high = (f"{100 * best[f'test_accuracy_{end}']:.1f}" for end in ("low", "high"))
        assert f"{best['model']} {100 * best['test_accuracy_mean']:.1f} % {low} to {high} digits" in page
    assert "4 of 4" in page
    assert page.count(" finished ") == 3


def test_studies_for_which_there_is_no_time_are_listed_unread_and_follow(trained):
    studies = Studies(trained)
    for deadline, read in ((0.0, False), (float("inf"), True), (0.0, True)):
        assert [row.standing is not None for row in summaries(studies, deadline)] == [read] * 3


def test_nothing_is_written_to_a_study(root, key):
    before = contents(root)
    page = over(root)
    study = key(root, "small")
    run = bakeoff.load(root / "small").runs[0].run_id
    (root / "small" / "bakeoff.db-wal").unlink(missing_ok=True)
    (root / "small" / "bakeoff.db-shm").unlink(missing_ok=True)
    for path in ("/", f"/studies/{study}", f"/studies/{study}/report", f"/studies/{study}/wrong/{run}", "/compare"):
        assert page.get(path).status_code == 200, path
    assert contents(root) == before


def test_names_are_inert(client, trained, key):
    study, run = key(trained, "<b>hostile"), bakeoff.load(trained / "<b>hostile").runs[0].run_id
    paths = ["/", *(f"/studies/{study}{rest}" for rest in ("", "/ask", f"/wrong/{run}", "/report"))]
    for path in (*paths, f"/compare?run={study}.{run}"):
        page = client.get(path).text
        assert "<img src=x" not in page, path
        assert "<b>hostile" not in page, path
        assert "hostile" in page or path.endswith("report"), path


def test_a_run_is_running_while_its_process_lives(root, key):
    page, study = over(root), key(root, "small")
    trainer = Trainer(root / "small", 7, HERE)
    trainer.epoch(1)
    shown = page.get(f"/studies/{study}").text
    assert "Training now" in shown
    assert "epoch 1 of 1" in text(shown)
    assert '<span class="badge running">' in page.get("/").text


def test_a_run_whose_process_has_ended_was_interrupted(root, key):
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    Trainer(root / "small", 7, str(replace(Worker.current(), pid=ended.pid))).epoch(1)
    page = over(root)
    assert "Training now" not in page.get(f"/studies/{key(root, 'small')}").text
    assert '<span class="badge interrupted">' in page.get("/").text


@pytest.mark.parametrize(
    ("states", "stands"),
    [(("failed", "diverged"), Standing.FAILED), (("failed", "finished"), Standing.FINISHED)],
)
def test_a_study_of_which_nothing_came_is_not_called_finished(states, stands):
    runs = [SimpleNamespace(run_id=str(k), state=RunState(state)) for k, state in enumerate(states)]
    assert standing(runs, (), ()) is stands


def test_a_number_that_another_process_has_by_now_is_not_the_run(root):
    Trainer(root / "small", 7, str(replace(Worker.current(), started="1"))).epoch(1)
    assert '<span class="badge interrupted">' in over(root).get("/").text


def test_a_run_on_another_machine_is_believed(root):
    Trainer(root / "small", 7, "elsewhere:1").epoch(1)
    assert '<span class="badge running">' in over(root).get("/").text


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("{", "cannot be read"),
        ("[]", "must be a mapping of fields"),
        ("{}", "the field 'study_id' is missing"),
        ({"study_id": "x"}, "no study x in bakeoff.db"),
        ({"study_id": 3}, "study_id: must be text"),
        ({"database": "postgresql://evil.example/x"}, "a database of its own address"),
        ("[" * 100_000, "cannot be read"),
        ("\udcff\ud800", "cannot be read"),
    ],
)
def test_a_broken_study_is_listed_with_its_reason(root, key, content: str | dict, reason: str):
    if isinstance(content, dict):
        content = json.dumps(json.loads((root / "small" / "study.json").read_text()) | content)
    (root / "small" / "study.json").write_bytes(content.encode("utf-8", "surrogatepass"))
    page = over(root)
    shown = text(page.get("/").text)
    assert re.search(rf"Not readable small .*({reason})", shown), shown[-300:]
    assert "deep/longer" in shown
    answer = page.get(f"/studies/{key(root, 'small')}")
    assert answer.status_code == 404
    assert re.search(reason, text(answer.text))


def test_a_study_without_a_database_or_with_a_damaged_one_is_listed(root):
    database = root / "small" / "bakeoff.db"
    database.write_bytes(b"SQLite format 3\0" + b"x" * 5000)
    assert "Not readable small" in text(over(root).get("/").text)
    database.unlink()
    assert "Not readable small there is no bakeoff.db" in text(over(root).get("/").text)
    assert not database.exists()


@pytest.mark.parametrize("name", ["study.json", "bakeoff.db", "runs"])
def test_links_out_of_the_folder_are_refused(root, key, tmp_path, name: str):
    outside = tmp_path / "outside"
    shutil.move(root / "small" / name, outside)
    (root / "small" / name).symlink_to(outside)
    page, study = over(root), key(root, "small")
    path = f"/studies/{study}"
    if name == "runs":
        path += f"/wrong/{bakeoff.load(root / 'small').runs[0].run_id}"
        answer = page.post(f"/studies/{study}/answers", content=png(np.zeros((8, 8), np.uint8)), headers=OURS)
        assert text(answer.text).count("out of the folder") == 4
    assert "out of the folder" in page.get(path).text


def test_the_report_comes_under_its_own_policy(client, trained, key):
    answer = client.get(f"/studies/{key(trained, 'small')}/report")
    inside = html.unescape(re.search(r'Content-Security-Policy" content="([^"]+)"', answer.text)[1])
    assert answer.headers["content-security-policy"] == f"{inside}; frame-ancestors 'none'"
    assert "sha256-" in inside
    assert len(answer.text) > 1_000_000
    assert "not kept when this run was trained" not in answer.text, "where networks looked is shown"


def test_events_are_sent_when_something_has_changed(root, key):
    from bakeoff.app.pages.study import look
    from bakeoff.app.site import Site
    from bakeoff.app.studies import Studies

    site = Site.over(Studies(root))
    request = type("Request", (), {"path_params": {"study": key(root, "small")}})()
    first = look(site, request)
    assert look(site, request).state == first.state
    trainer = Trainer(root / "small", 7, HERE)
    trainer.epoch(1, loss=float("nan"))
    second = look(site, request)
    assert second.state != first.state
    drawn = json.loads(second.content)["figures"]
    assert drawn.keys() >= {"train-loss", "val-accuracy"}
    trainer.epoch(2)
    assert look(site, request).content != second.content


def test_runs_of_one_test_set_are_compared_and_their_settings_set_side_by_side(client, trained, key):
    runs = [
        f"{key(trained, name)}.{run.run_id}"
        for name in ("small", "deep/longer")
        for run in bakeoff.load(trained / name).runs
        if run.spec.model.name == "lenet5"
    ]
    answer = client.get("/compare", params={"run": runs})
    page = text(answer.text)
    assert "Every pair of models" in page
    assert "recipe.epochs 2 1" in page or "recipe.epochs 1 2" in page
    assert "recipe.epochs is 1 in small and 2 in deep/longer" in page
    assert answer.text.count(" checked>") == 4


def test_runs_of_different_images_are_not_compared_and_the_page_says_why(client, trained, key):
    runs = [f"{key(trained, name)}.{bakeoff.load(trained / name).runs[0].run_id}" for name in ("small", "<b>hostile")]
    page = text(client.get("/compare", params={"run": runs}).text)
    assert "small and <b>hostile have different images" in page
    assert "Every pair" not in page
    assert "Learning curves" in page


@pytest.mark.parametrize(
    "query", ["run=x", "run=.", "run=0123456789abcdef.x", "study=..", "study=%00", "run=a.b&" * 101, "study=x&" * 9]
)
def test_a_query_that_names_nothing_is_no_fault(client, query: str):
    assert client.get(f"/compare?{query}").status_code in (200, 404)


def test_wrong_images_are_paged_and_filtered(client, trained, key):
    result = bakeoff.load(trained / "small")
    run = result.runs[0]
    said = result.predictions(run)
    predicted = said.logits.argmax(1)
    wrong = int((predicted != said.labels).sum())
    assert wrong > 60, "one epoch leaves many wrong"
    path = f"/studies/{key(trained, 'small')}/wrong/{run.run_id}"
    first = client.get(path).text
    assert first.count("<img") == 60
    assert f"{wrong} wrong answers of {len(said.labels)} test images" in text(first)
    last = client.get(path, params={"page": 10**8}).text
    assert last.count("<img") == wrong % 60 or 60
    actual, guessed = (int(column[predicted != said.labels][0]) for column in (said.labels, predicted))
    count = int(((said.labels == actual) & (predicted == guessed) & (predicted != said.labels)).sum())
    page = client.get(path, params={"actual": actual, "predicted": guessed}).text
    assert page.count("<img") == min(count, 60)
    for query in ("actual=10", "actual=-1", "actual=x", "page=1e9", "predicted=²", "actual=" + "9" * 400):
        assert client.get(f"{path}?{query}").status_code == 404, query


def test_mistakes_come_the_surest_first_and_survive_logits_that_are_not_finite():
    logits = np.array([[5, 0, 0], [9, 0, 0], [0, 1, 0], [np.nan, 0, 0], [0, np.inf, 0]], np.float32)
    said = Predictions(np.array([3, 1, 4, 5, 9]), np.array([1, 1, 1, 1, 2]), logits)
    found = Mistakes.among(said, None, None)
    assert found.indices.tolist() == [1, 3, 5, 9]
    assert found.confidence[:2] == pytest.approx([0.99975, 0.98670], abs=1e-5)
    assert Mistakes.among(said, 2, None).indices.tolist() == [9]


def test_images_that_are_gone_are_said_to_be(trained, tmp_path, key):
    shutil.copytree(trained / "<b>hostile", tmp_path / "moved")
    about = tmp_path / "moved" / "study.json"
    about.write_text(about.read_text().replace("images.npz", "gone.npz"))
    page, study = over(tmp_path), key(tmp_path, "moved")
    run = bakeoff.load(tmp_path / "moved").runs[0].run_id
    assert "The images are not at hand" in text(page.get(f"/studies/{study}/wrong/{run}").text)


def test_a_database_that_somebody_writes_to_is_read(root, key):
    page, study = over(root), key(root, "small")
    trainer = Trainer(root / "small", 7, HERE)
    with sqlite3.connect(root / "small" / "bakeoff.db") as writer:
        writer.execute("BEGIN IMMEDIATE")
        assert page.get(f"/studies/{study}").status_code == 200
    trainer.store.close()
