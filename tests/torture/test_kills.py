"""A study that is killed and started again ends as one that was not."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tally import Tally


@pytest.mark.parametrize("kills", [3, pytest.param(60, marks=pytest.mark.torture)])
def test_killed_at_any_point_it_ends_bitwise_the_same(kills: int, tally: Tally, tmp_path: Path):
    """killed at a random point and started again: the same weights, optimizer, metrics, records and table"""
    script = Path(__file__).with_name("kills.py")
    done = subprocess.run([sys.executable, script, tmp_path, str(kills), "2"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    points, compared, *cases = map(json.loads, done.stdout.splitlines())
    tally.tried = len(cases)
    tally.details = {"points": points, "compared": compared, "kills": cases}
    tally.failures += [f"{case}" for case in cases if case["differs"]]
    hits = [case for case in cases if case["killed at"] != ["not reached"]]
    assert len(hits) > 0.9 * kills, "points are the same in every run, so nearly all kills must hit"
