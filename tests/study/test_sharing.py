"""Several processes on one study."""

import json
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

import pytest

import bakeoff
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.run.run_one import News
from bakeoff.study.observer import Observer

FLAGS = "--models lenet5 --seeds 4 --epochs 2 --batch-size 128 --amp off --offline --device cpu"


def start(out: Path, *more: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "bakeoff", "compare", "digits", *FLAGS.split(), "--out", str(out), *more]
    environment = {**os.environ, "BAKEOFF_CACHE": str(out.parent / "cache")}
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=environment)


def test_two_processes_share_the_runs_of_a_folder(tmp_path: Path):
    children = [start(tmp_path / "out") for _ in range(2)]
    said = [child.communicate(timeout=600) for child in children]
    assert [child.returncode for child in children] == [0, 0], said
    lines = [[json.loads(line) for line in output.splitlines()] for output, _ in said]
    trained = [line["run"] for one in lines for line in one if line["event"] == "run"]
    result = bakeoff.load(tmp_path / "out")
    assert sorted(trained) == sorted(run.run_id for run in result.runs)
    assert [(run.state, run.attempts) for run in result.runs] == [(RunState.FINISHED, 1)] * 4
    assert all(one[-1]["finished"] == 4 for one in lines), "each ends when all is done"
    assert all(len(result.predictions(run).logits) == len(result.predictions(run).labels) for run in result.runs)


def test_a_process_that_lost_its_run_keeps_nothing_of_it_and_goes_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    ended: list[RunRecord] = []

    class Thief(Observer):
        def progress(self, news: News) -> None:
            if isinstance(news, EpochRow) and not ended:  # another worker takes the first run, and is done with it
                with sqlite3.connect(tmp_path / "out" / "bakeoff.db") as connection:
                    connection.execute(
                        "UPDATE run SET attempts = attempts + 1, state = 'failed', error = 'the other' "
                        "WHERE state = 'running'"
                    )

        def run_ended(self, record: RunRecord) -> None:
            ended.append(record)

    settings = {"epochs": 3, "batch_size": 256, "amp": "off", "offline": True, "device": "cpu"}
    result = bakeoff.compare("digits", "lenet5", seeds=2, out=tmp_path / "out", observer=Thief(), **settings)
    assert [record.state for record in ended] == [RunState.RUNNING, RunState.FINISHED]
    assert "was taken over" in ended[0].error
    assert [(run.state, run.error) for run in result.runs] == [(RunState.FAILED, "the other"), (RunState.FINISHED, "")]
    assert len(result.runs[0].epochs) == 1
    assert not result.run_folder(result.runs[0]).weights.exists()
