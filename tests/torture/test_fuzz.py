"""No file, however it is damaged, does more harm than a sentence."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import fuzz
import pytest
from tally import Tally

from bakeoff.errors import DataError
from bakeoff.run.heap import give_back_freed_memory


@pytest.mark.parametrize("mutations", [480, pytest.param(100_000, marks=pytest.mark.torture)])
def test_no_mutation_crashes_hangs_or_fills_the_memory(mutations: int, tally: Tally, tmp_path: Path):
    """files of every format changed at random: read, or refused with one sentence"""
    script = Path(__file__).with_name("fuzz.py")
    done = subprocess.run([sys.executable, script, tmp_path, str(mutations), "0"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    tally.tried = sum(one["cases"] for one in found.values())
    tally.details = {"formats": {name: one["cases"] for name, one in found.items()}}
    tally.failures += [f"{name}: {failure}" for name, one in found.items() for failure in one["failures"]]
    assert tally.tried == mutations


def crash(_: Path) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def hang(_: Path) -> None:
    assert signal.alarm(1), "nothing was to end it; and nobody waits as long as files may take"
    time.sleep(60)


def fill(_: Path) -> None:
    bytearray(b"\1") * (200 << 20)
    raise DataError("which does not excuse it")


@pytest.mark.parametrize(
    ("harm", "told"),
    [(crash, "7 ended by SIGKILL"), (hang, "7 ended by SIGALRM"), (fill, "7 took "), (len, "7 TypeErr")],
)
def test_every_harm_is_one_failure_and_the_files_after_it_are_read(
    harm: Callable[[Path], object], told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """the fuzzer itself: of ten files the eighth does harm"""
    monkeypatch.setattr(fuzz, "BLOWN", 100 << 20)
    give_back_freed_memory()  # of earlier tests in this process, which would make room for the blow-up
    (good := tmp_path / "a").write_bytes(b"content")
    seen = tmp_path / "seen"

    def read(path: Path) -> None:
        with seen.open("ab") as file:
            file.write(b".")
        if seen.stat().st_size == 8:
            harm(path)

    failures, done = [], 0
    while done < 10:
        done, failed = fuzz.in_a_child(good, read, range(done, 10), "0")
        failures += failed
    assert [failure.startswith(told) for failure in failures] == [True], failures
    assert seen.stat().st_size == 10
