"""Tables for programs: gaps stay gaps, and nothing in a name acts."""

import csv
import io
import json

import pandas as pd

from bakeoff.export.tables import as_csv, as_json

TABLE = pd.DataFrame(
    {"model": ["=cmd()", "a|b\nc"], "group": ["a", ""], "mean": [0.5, float("nan")], "params": [7, None]}
).astype({"params": "Int64"})


def test_csv():
    rows = list(csv.reader(io.StringIO(as_csv(TABLE))))
    assert rows[1:] == [["'=cmd()", "a", "0.5", "7"], ["a|b\nc", "", "", ""]]


def test_json():
    assert json.loads(as_json(TABLE))[1] == {"model": "a|b\nc", "group": "", "mean": None, "params": None}
    assert '"params": 7,' in as_json(TABLE) or '"params": 7\n' in as_json(TABLE)
