"""Names that are legal on a disk and hostile anywhere else."""

import os
import sqlite3
from pathlib import Path

import numpy as np
from PIL import Image
from tally import Tally

import bakeoff
from bakeoff.export.tables import as_csv

NAMES = [
    b"new\nline",
    b"\x1b[2Jred\x07",
    b"<script>alert(1)</script>"[:25].replace(b"/", b"|"),
    b"'; DROP TABLE run; --",
    b"=HYPERLINK(1)",
    "‮right to left".encode(),
    "猫".encode() * 85,  # 255 bytes
    b"caf\xe9",  # no UTF-8
    b" ",
]


def test_a_study_of_hostile_class_names_is_whole(tally: Tally, tmp_path: Path):
    """class, run and file names of every kind: a whole study, and nothing of them is run or lost"""
    rng = np.random.default_rng(0)
    for name in NAMES:
        folder = tmp_path / "data" / os.fsdecode(name)
        folder.mkdir(parents=True)
        for number in range(8):
            Image.fromarray(rng.integers(0, 256, (8, 8), dtype=np.uint8)).save(folder / f"\n{number}{'x' * 240}.png")
    models = [{"name": "lenet5", "label": "=1+1<b>\n'; DROP TABLE run"}]
    fast = {"epochs": 1, "batch_size": 16, "seeds": 1, "device": "cpu", "offline": True, "val_fraction": 0.2}
    os.environ["BAKEOFF_CACHE"], usual = str(tmp_path / "cache"), os.environ.get("BAKEOFF_CACHE")
    try:
        result = bakeoff.compare(str(tmp_path / "data"), models, out=tmp_path / "out", **fast)
        page = result.report().read_text(encoding="utf-8")
    finally:
        os.environ.pop("BAKEOFF_CACHE") if usual is None else os.environ.update(BAKEOFF_CACHE=usual)
    tally.tried = len(NAMES) * 9
    assert result.runs[0].state == "finished", result.runs[0].error
    assert len(result.about["data"]["class_names"]) == len(NAMES)
    assert "<script>alert" not in page
    assert "=1+1<b>" not in page
    assert as_csv(result.leaderboard()).splitlines()[1].startswith("\"'=1+1")
    with sqlite3.connect(tmp_path / "out" / "bakeoff.db") as database:
        assert database.execute("SELECT count(*) FROM run").fetchone() == (1,)
