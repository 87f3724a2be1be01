"""Whoever asks a study to stop does not wait long, and loses nothing."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

import pytest
from tally import Tally

import bakeoff

KINDS = (signal.SIGINT, signal.SIGTERM)
SIGNALS = 8
LIMIT = 10  # seconds


def start(out: Path, epochs: int, cache: Path) -> subprocess.Popen[str]:
    flags = f"--models lenet5 --seeds 1 --epochs {epochs} --batch-size 32 --amp off --offline --device cpu"
    command = [sys.executable, "-m", "bakeoff", "compare", "digits", *flags.split(), "--out", str(out)]
    environment = {**os.environ, "BAKEOFF_CACHE": str(cache)}
    return subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def epochs_of(out: Path) -> int:
    with (
        suppress(sqlite3.OperationalError),
        sqlite3.connect(f"file:{out / 'bakeoff.db'}?mode=ro", uri=True) as database,
    ):
        return int(database.execute("SELECT count(*) FROM epoch").fetchone()[0])
    return 0


def asked_to_stop(study: subprocess.Popen[str], kind: signal.Signals) -> tuple[float, str]:
    """Send a signal to a study; return how many seconds it took to leave, and what was wrong with that."""
    asked = time.monotonic()
    study.send_signal(kind)
    _, errors = study.communicate(timeout=600)
    waited = round(time.monotonic() - asked, 2)
    told = f"stopped by {kind.name}; 1 run is left, and the same command goes on where it was"
    well = study.returncode == 128 + kind and told in errors and "Traceback" not in errors
    return waited, "" if well else f"{kind.name}: status {study.returncode}, and {errors[-500:]}"


def wait_for_epochs(study: subprocess.Popen[str], out: Path, count: int) -> None:
    while epochs_of(out) < count:
        assert study.poll() is None, study.communicate()
        time.sleep(0.01)


def test_ctrl_c_saves_and_says_how_to_go_on(tmp_path: Path):
    study = start(tmp_path / "out", 1000, tmp_path / "cache")
    wait_for_epochs(study, tmp_path / "out", 1)
    _, wrong = asked_to_stop(study, signal.SIGINT)
    assert not wrong
    assert list(tmp_path.glob("out/runs/*/checkpoints/*.json"))


@pytest.mark.torture
def test_a_signal_is_answered_within_ten_seconds(tally: Tally, tmp_path: Path):
    """One study, stopped again and again at random moments of its training, and gone on with."""
    rng, out, cache, epochs = random.Random(0), tmp_path / "out", tmp_path / "cache", 40 + 20 * SIGNALS
    waited = []
    for number in range(SIGNALS):
        before, study = epochs_of(out), start(out, epochs, cache)
        wait_for_epochs(study, out, before + 1)
        time.sleep(rng.random() / 2)
        seconds, wrong = asked_to_stop(study, KINDS[number % len(KINDS)])
        waited.append(seconds)
        tally.tried += 1
        tally.failures += [wrong] if wrong else [f"left after {seconds} s"] if seconds > LIMIT else []
    tally.details["seconds"] = waited
    for folder in (out, tmp_path / "whole"):
        _, errors = (ended := start(folder, epochs, cache)).communicate()
        assert ended.returncode == 0, errors
    stopped, whole = (bakeoff.load(folder).runs[0] for folder in (out, tmp_path / "whole"))
    assert stopped.attempts == SIGNALS + 1
    assert stopped.metrics == whole.metrics
