"""Ranks in the terminal."""

from types import SimpleNamespace

import numpy as np
import pytest

from bakeoff.cli.console import out
from bakeoff.cli.leaderboard import print_table


@pytest.mark.parametrize("plain", [np.nan, 0.4])
@pytest.mark.parametrize(("accuracies", "ranks"), [([1.0, 1.0, 0.5], "113"), ([0.5, np.nan], "1–")])
def test_equal_accuracies_share_a_rank_and_a_plain_one_stands_beside(accuracies, ranks, plain, capsys, monkeypatch):
    monkeypatch.setattr(out, "_width", 140)
    figures = {"test_accuracy_low": np.nan, "test_accuracy_high": np.nan, "val_accuracy_mean": 0.5, "params": 1}
    costs = {"macs": 1, "latency_seconds_mean": 0.1, "train_seconds_mean": 1.0, "failed": 0, "recipe": "r"}
    rows = [
        {
            "model": "m",
            "group": "a",
            "test_accuracy_mean": one,
            "test_plain_accuracy_mean": plain,
            "seeds": int(one == one),
            "runs": int(one == one),
            **figures,
            **costs,
        }
        for one in accuracies
    ]
    print_table(SimpleNamespace(to_dict=lambda _: rows))
    heading, *lines = capsys.readouterr().out.splitlines()
    assert "".join(line[0] for line in lines) == ranks
    assert ("plain accuracy" in heading) == all("40.00 %" in line for line in lines) == (plain == plain)
