"""Several runs at once, in processes that one command starts."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from small import compare, facts

import bakeoff
from bakeoff.errors import BakeoffError, SpecError
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.run_one import News
from bakeoff.store.database import Store
from bakeoff.study.jobs import threads_of_each
from bakeoff.study.observer import Observer

PATIENCE = 300.0  # seconds, for a machine that is busy


class Told(Observer):
    def __init__(self) -> None:
        self.all: list[tuple[str, object]] = []

    def run_started(self, planned: PlannedRun, resumed: bool) -> None:
        self.all.append(("started", planned.spec.run_id))

    def progress(self, news: News) -> None:
        kind, what = ("epoch", news.epoch) if isinstance(news, EpochRow) else ("other", str(news))
        self.all.append((kind, what))

    def run_ended(self, record: RunRecord) -> None:
        self.all.append(("ended", record.run_id))


def test_runs_at_once_come_out_as_one_after_the_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("OMP_NUM_THREADS", "1")
    settings = {"seeds": 4, "epochs": 2, "max_train": 600}
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    alone = compare(tmp_path / "alone", "lenet5", **settings)
    torch.set_num_threads(threads)
    told = Told()
    together = compare(tmp_path / "together", "lenet5", jobs=2, observer=told, **settings)
    assert [facts(run) for run in together.runs] == [facts(run) for run in alone.runs]
    assert {run.environment["at_once"] for run in together.runs} == {"2"}
    store = Store(f"sqlite:///{tmp_path}/together/bakeoff.db", together.about["study_id"])
    events = [event for event in store.events() if event.kind == "started"]
    store.close()
    assert len(events) == 4
    assert len({event.detail for event in events}) == 2, "both processes trained"
    for run in together.runs:
        at = told.all.index(("started", run.run_id))
        assert told.all[at : at + 4] == [("started", run.run_id), ("epoch", 1), ("epoch", 2), ("ended", run.run_id)]


def test_what_processes_cannot_train_is_trained_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("bakeoff.study.jobs.sys.executable", "false")
    told = Told()
    result = compare(tmp_path / "out", "lenet5", seeds=2, max_train=300, jobs=2, observer=told)
    assert [run.state for run in result.runs] == [RunState.FINISHED] * 2
    assert any("2 of 2 processes failed" in str(what) for _, what in told.all)
    assert {run.environment["at_once"] for run in result.runs} == {"1"}


@pytest.mark.parametrize("how", [signal.SIGTERM, signal.SIGKILL])
def test_processes_stop_with_the_one_that_started_them(tmp_path: Path, how: signal.Signals):
    flags = "--models lenet5 --seeds 3 --epochs 2000 --amp off --offline --device cpu --jobs 2"
    environment = {**os.environ, "BAKEOFF_CACHE": str(tmp_path / "cache"), "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", "bakeoff", "compare", "digits", *flags.split(), "--out", str(tmp_path / "out")]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment
    ) as parent:
        try:
            _wait_until(lambda: len(_epochs(tmp_path / "out")) == 2, parent)
            children = _children(parent.pid)
            parent.send_signal(how)
            parent.communicate(timeout=PATIENCE)
        finally:
            parent.kill()
    assert len(children) == 2
    assert parent.returncode == (128 + how if how is signal.SIGTERM else -how)
    _wait_until(lambda: not any(map(_runs, children)))
    result = bakeoff.load(tmp_path / "out")
    states = [run.state for run in result.runs]
    assert states == [RunState.INTERRUPTED, RunState.INTERRUPTED, RunState.PENDING]
    for run in result.runs[:2]:
        assert any(result.run_folder(run).checkpoints.iterdir()), "it goes on from there"


def test_no_runs_at_once_are_refused(tmp_path: Path):
    with pytest.raises(SpecError, match="jobs is how many runs are trained at once, 1 or more; got 0"):
        compare(tmp_path / "out", "lenet5", jobs=0)


def test_cores_are_shared_out():
    assert threads_of_each(1) >= threads_of_each(2) >= threads_of_each(10_000) == 1


def _wait_until(true: Callable[[], bool], parent: "subprocess.Popen[str] | None" = None) -> None:
    deadline = time.monotonic() + PATIENCE
    while not true():
        assert parent is None or parent.poll() is None, parent.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.1)


def _epochs(out: Path) -> list[RunRecord]:
    try:
        return [run for run in bakeoff.load(out).runs if run.epochs]
    except BakeoffError:
        return []


def _children(parent: int) -> list[int]:
    listed = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
    return [int(child) for child in listed if b"bakeoff.study.job" in Path(f"/proc/{child}/cmdline").read_bytes()]


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False
