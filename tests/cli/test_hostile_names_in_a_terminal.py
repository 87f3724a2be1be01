"""Names of models, classes and folders as a terminal is given them: no control codes, no markup, no traceback."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

NASTY = "[red]x[/a]\x1b[2J\x1b]0;owned\x07\r\u202e\\"
CODES = ("\x1b[2J", "\x1b]", "\x07", "\u202e")  # those of the name; colours and the bars' own moves are not among them
CHILD = """
import json, sys
from bakeoff.cli import commands
from bakeoff.cli.main import app
import bakeoff
commands.register(app)
for command in json.loads(sys.argv[1]):
    assert not app(command, standalone_mode=False), command
print(bakeoff.load(sys.argv[2]))
bakeoff.compare(config=sys.argv[3], out=sys.argv[2] + "2", device="cpu", offline=True, verbose=True)
print("the end")
"""


def in_a_terminal(arguments: list[str], folder: Path) -> str:
    """Run a program with a terminal of 200 columns, and return all that it wrote there."""
    ours, theirs = pty.openpty()
    environment = {**os.environ, "COLUMNS": "200", "TERM": "xterm-256color", "BAKEOFF_CACHE": str(folder / "cache")}
    child = subprocess.Popen(arguments, stdin=theirs, stdout=theirs, stderr=theirs, cwd=folder, env=environment)
    os.close(theirs)
    written = b""
    try:
        while more := os.read(ours, 65536):
            written += more
    except OSError:  # the other end is closed
        pass
    os.close(ours)
    child.wait()
    return written.decode("utf-8", "replace")


def test_no_name_moves_the_cursor_or_is_taken_for_markup(tmp_path: Path):
    data = tmp_path / f"data {NASTY}"
    for label in ("a", f"b {NASTY}"):
        (data / label).mkdir(parents=True)
        for number in range(12):
            pixels = np.random.default_rng(number).integers(0, 256, (8, 8), dtype=np.uint8)
            Image.fromarray(pixels).save(data / label / f"{number}.png")
    model = {"name": "simcnn", "label": f"m {NASTY}"}
    recipe = {"name": f"r {NASTY}", "epochs": 1, "batch_size": 8}
    config = tmp_path / "study.yaml"
    study = {"data": str(data), "models": [model], "recipes": [recipe], "seeds": [0], "protocol": {"val_fraction": 0.2}}
    config.write_text(yaml.safe_dump(study))
    out = str(tmp_path / f"out {NASTY}")
    compare = ["compare", "--config", str(config), "--device", "cpu", "--offline", "--out", out]
    commands = [
        ["data", str(data), "--check"],
        [*compare, "--dry-run"],
        compare,
        *(["leaderboard", out, "--format", kind] for kind in ("table", "md", "csv")),
        ["report", out, "--format", "md"],
    ]
    said = in_a_terminal([sys.executable, "-c", CHILD, json.dumps(commands), out, str(config)], tmp_path)
    assert said.rstrip().endswith("the end"), said[-3000:]
    for code in CODES:
        place = said.find(code)
        assert place < 0, said[max(0, place - 300) : place + 50]
    shown = NASTY.replace("\x1b", r"\x1b").replace("\x07", r"\x07").replace("\r", r"\r").replace("\u202e", r"\u202e")
    for name in (f"m {shown}", f"b {shown}", f"out {shown}"):
        assert name in said.replace("\r\n", ""), name
