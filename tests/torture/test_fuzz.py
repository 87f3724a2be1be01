"""No file, however it is damaged, does more harm than a sentence."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tally import Tally


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
