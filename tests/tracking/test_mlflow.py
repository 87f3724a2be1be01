"""A study in MLflow says what the study's folder says, and MLflow's faults are not the study's."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import bakeoff
from bakeoff.errors import OfflineError, SpecError, UnknownNameError
from bakeoff.models import Network, networks
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.study.observer import Observer
from bakeoff.tracking import sender
from bakeoff.tracking.figures import settings

SMALL = {"epochs": 2, "batch_size": 256, "amp": "off", "offline": True, "device": "cpu", "track": "mlflow"}
needs_mlflow = pytest.mark.skipif("not __import__('importlib.util').util.find_spec('mlflow')", reason="needs mlflow")


@pytest.fixture(autouse=True)
def _own_places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    monkeypatch.setattr(sender, "LAST_SECONDS", 300.0)  # what is to arrive does so on a busy machine, too


def compare(out: Path, **changes: Any) -> bakeoff.Result:
    data, models = changes.pop("data", "digits"), changes.pop("models", ["lenet5"])
    return bakeoff.compare(data, models, out=out, **{**SMALL, "seeds": 1, **changes})


def runs_at(uri: str) -> tuple[Any, dict[str, Any]]:
    """Return a client of MLflow's and all runs, by the tag of the run or study that they are."""
    from mlflow import MlflowClient

    client = MlflowClient(uri)
    experiments = [one.experiment_id for one in client.search_experiments() if one.name != "Default"]
    assert len(experiments) == 1
    found = list(client.search_runs(experiments))
    assert len({run.data.tags["bakeoff.run"] for run in found}) == len(found)
    return client, {run.data.tags["bakeoff.run"]: run for run in found}


def local(out: Path) -> str:
    return f"sqlite:///{out.parent / 'mlruns' / 'mlflow.db'}"


def check_arrived(result: bakeoff.Result, uri: str) -> None:
    """Compare what arrived of finished runs with their records."""
    client, found = runs_at(uri)
    for record in result.runs:
        run = found[record.run_id]
        assert run.data.params == settings(record.spec)
        for row in record.epochs:
            for name in ("train_loss", "val_accuracy", "lr", "images_per_second"):
                history = client.get_metric_history(run.info.run_id, f"epoch/{name}")
                assert [one.value for one in history if one.step == row.epoch] == [getattr(row, name)]
        for part, metrics in record.metrics.items():
            for name, value in metrics.items():
                assert run.data.metrics[f"final/{part}_{name}"] == value
        assert record.cost
        assert run.data.metrics["cost/train_seconds"] == record.cost.train_seconds
        assert (run.info.status, run.data.tags["bakeoff.state"]) == ("FINISHED", "finished")
        parent = found[run.data.tags["bakeoff.study"]]
        assert run.data.tags["mlflow.parentRunId"] == parent.info.run_id
        assert not [tag for tag in run.data.tags if tag.startswith("mlflow.source")]  # nothing of the machine


@needs_mlflow
@pytest.mark.slow
def test_a_study_is_in_a_local_file_unless_mlflow_knows_better(tmp_path: Path):
    out = tmp_path / "runs" / "out"
    result = compare(out, seeds=2)
    check_arrived(result, local(out))
    before = runs_at(local(out))[1]
    compare(out, seeds=2)
    compare(out, seeds=3)
    after = runs_at(local(out))[1]
    assert len(after) == len(before) + 1
    for run_id, run in before.items():
        assert after[run_id].data.to_dictionary() == run.data.to_dictionary()
        if "mlflow.parentRunId" in run.data.tags:
            assert after[run_id].info.end_time == run.info.end_time  # it was not sent again


@needs_mlflow
@pytest.mark.slow
def test_a_run_that_was_cut_off_goes_on_as_the_same_run(tmp_path: Path):
    out = tmp_path / "out"

    class Once(Observer):
        """Ctrl-C after the first epoch."""

        def progress(self, news: object) -> None:
            if isinstance(news, EpochRow):
                os.kill(os.getpid(), signal.SIGINT)

    cut = compare(out, epochs=3, observer=Once())
    assert [run.state for run in cut.runs] == [RunState.INTERRUPTED]
    (stopped,) = [run for run in runs_at(local(out))[1].values() if run.data.params]
    assert (stopped.info.status, stopped.data.tags["bakeoff.state"]) == ("KILLED", "interrupted")
    check_arrived(compare(out, epochs=3), local(out))
    assert runs_at(local(out))[1][cut.runs[0].run_id].info.run_id == stopped.info.run_id


@needs_mlflow
def test_what_failed_has_its_reason_and_hostile_names_are_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    def broken(*_: Any, **__: Any) -> Any:
        raise RuntimeError("no\n" + "x" * 100_000)

    list(networks)
    monkeypatch.setitem(networks._entries, "broken", Network(broken, 1, "a test"))
    label = "<img src=x onerror=alert(1)>'; drop table runs; --`${HOME}\u202e\n" + "é" * 5000
    rng = np.random.default_rng(0)
    data = tmp_path / "a'b; --<b>`.npz"
    images, labels = rng.integers(0, 255, (60, 8, 8), np.uint8), np.arange(60) % 3
    np.savez(data, x_train=images, y_train=labels, x_test=images[::-1], y_test=labels[::-1])
    models = [{"name": "lenet5", "label": label}, "broken"]
    result = compare(tmp_path / "out", data=str(data), models=models, batch_size=32)
    assert [run.state for run in result.runs] == [RunState.FINISHED, RunState.FAILED]
    found = runs_at(local(tmp_path / "out"))[1]
    good, bad = (found[run.run_id] for run in result.runs)
    assert (good.info.status, bad.info.status) == ("FINISHED", "FAILED")
    assert good.info.run_name.startswith("<img src=x onerror=alert(1)>'; drop table runs; --`${HOME}  é")
    assert good.data.metrics["final/test_accuracy"] == result.runs[0].metrics["test"]["accuracy"]
    assert bad.data.tags["bakeoff.error"].startswith("RuntimeError: no xxx")
    values = [good.info.run_name, *good.data.params.values(), *bad.data.tags.values()]
    assert max(map(len, values)) <= 600


@needs_mlflow
def test_a_server_that_is_not_there_is_one_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
):
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        uri = f"http://me:secret@127.0.0.1:{free.getsockname()[1]}"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    monkeypatch.setattr(sender, "LAST_SECONDS", 5.0)
    result = compare(tmp_path / "out", seeds=2)
    assert {run.state for run in result.runs} == {RunState.FINISHED}
    (line,) = [record.getMessage() for record in caplog.records if record.name.startswith("bakeoff")]
    assert "does not take everything" in line
    assert "secret" not in caplog.text


def test_mistakes_are_said_before_training(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with pytest.raises(UnknownNameError, match="unknown logger 'mlfow'; did you mean mlflow"):
        compare(tmp_path / "out", track="mlfow")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "https://tracking.example.org")
    with pytest.raises(OfflineError, match="leave out --offline"):
        compare(tmp_path / "out")
    monkeypatch.delenv("MLFLOW_TRACKING_URI")
    monkeypatch.setitem(sys.modules, "mlflow", None)
    with pytest.raises(SpecError, match=r"pip install 'bakeoff\[mlflow\]'"):
        compare(tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[tuple[str, Callable[[], None]]]:
    """Start MLflow's own server; return its address, and what kills it."""
    pytest.importorskip("mlflow")
    pytest.importorskip("flask", reason="the server needs the whole of mlflow, not mlflow-skinny")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1"]
    command += ["--backend-store-uri", f"sqlite:///{tmp_path / 'server.db'}"]
    command += ["--artifacts-destination", str(tmp_path / "artifacts")]
    quiet = {**os.environ, "MLFLOW_DISABLE_TELEMETRY": "true"}
    with (tmp_path / "server.log").open("wb") as log:
        process = subprocess.Popen(command, cwd=tmp_path, env=quiet, stdout=log, stderr=log, start_new_session=True)

    def kill() -> None:
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    try:
        uri = f"http://127.0.0.1:{port}"
        for _ in range(600):
            try:
                urllib.request.urlopen(f"{uri}/health", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                assert process.poll() is None, (tmp_path / "server.log").read_text()
                time.sleep(0.1)
        yield uri, kill
    finally:
        kill()


@pytest.mark.slow
def test_a_real_server_has_everything_and_may_die(
    server: tuple[str, Callable[[], None]],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    capsys: pytest.CaptureFixture[str],
):
    from bakeoff.cli.comparison import run_comparison
    from bakeoff.study.declare import declare

    uri, kill = server
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    study = {name: SMALL[name] for name in ("epochs", "batch_size", "amp")}
    given = dict.fromkeys(declare.__kwdefaults__ or {}) | {"data": "digits", "models": "lenet5", "seeds": 2, **study}
    flags = {"offline": True, "dry_run": False, "retry_failed": False}
    assert run_comparison(given, tmp_path / "out", None, "cpu", 1, None, None, "mlflow", **flags) == 0
    assert [json.loads(line)["event"] for line in capsys.readouterr().out.splitlines()] == ["run", "run", "study"]
    result = bakeoff.load(tmp_path / "out")
    check_arrived(result, uri)
    client, found = runs_at(uri)
    parent = found[result.about["study_id"]]
    assert [file.path for file in client.list_artifacts(parent.info.run_id)] == ["report.html"]
    assert parent.info.status == "FINISHED"

    class Kill(Observer):
        """Ends the server after the first run."""

        def run_ended(self, record: RunRecord) -> None:
            kill()

    caplog.clear()
    monkeypatch.setattr(sender, "LAST_SECONDS", 5.0)
    after = compare(tmp_path / "out", seeds=4, observer=Kill())
    assert [run.state for run in after.runs] == [RunState.FINISHED] * 4
    told = [record for record in caplog.records if record.name.startswith("bakeoff")]
    assert len(told) == 1
