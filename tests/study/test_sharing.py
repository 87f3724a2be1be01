"""Several processes on one study."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import bakeoff
from bakeoff.records.run import RunState

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
    assert all(result.predictions(run).logits.shape == (360, 10) for run in result.runs) or len(result.runs) == 4
