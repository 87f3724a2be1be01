"""A disk that really is full, where the test may mount a small one."""

import os
import random
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tally import Tally

import bakeoff

pytestmark = pytest.mark.torture

TRAIN = """
import os, sys
from bakeoff.cli.main import main
from bakeoff.training.checkpoint import Autosave
Autosave.if_due = lambda self, state: None if state.steps % 3 else self.now(state)
flags = "--models lenet5 --seeds 2 --epochs 3 --batch-size 128 --amp off --offline --device cpu"
sys.argv = ["bakeoff", "compare", "digits", *flags.split(), "--out", sys.argv[1]]
main()
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    disk = tmp_path / "disk"
    disk.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=24m", "tmpfs", disk], capture_output=True)
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    yield disk
    subprocess.run(["umount", disk], check=True)


def train(out: Path, cache: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "BAKEOFF_CACHE": str(cache)}
    return subprocess.run([sys.executable, "-c", TRAIN, out], env=environment, capture_output=True, text=True)


def test_a_disk_that_fills_up_anywhere_is_a_sentence_and_the_study_goes_on(
    small_disk: Path, tmp_path: Path, tally: Tally
):
    """a disk that is full at a random moment: one sentence, records intact, and the same end once there is room"""
    assert train(tmp_path / "whole", tmp_path / "cache").returncode == 0
    expected = [run.metrics for run in bakeoff.load(tmp_path / "whole").runs]
    needed = sum(path.stat().st_size for path in (tmp_path / "whole").rglob("*"))
    rng = random.Random(0)
    for case in range(8):
        out, ballast = small_disk / f"out{case}", small_disk / "ballast"
        free = os.statvfs(small_disk).f_bavail * os.statvfs(small_disk).f_frsize
        ballast.write_bytes(bytes(max(0, free - rng.randrange(needed))))
        full = train(out, tmp_path / "cache")
        ballast.unlink()
        again = train(out, tmp_path / "cache")
        tally.tried += 1
        if full.returncode and ("Traceback" in full.stderr or full.stderr.count("\n") != 1):
            tally.failures.append(f"case {case}: {full.stderr[-500:]}")
        if again.returncode or [run.metrics for run in bakeoff.load(out).runs] != expected:
            tally.failures.append(f"case {case} did not go on: {again.stderr[-500:]}")
        subprocess.run(["rm", "-r", out], check=True)
