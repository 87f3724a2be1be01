"""Ranks in the terminal."""

from types import SimpleNamespace

import numpy as np
import pytest

from bakeoff.cli.leaderboard import print_table


@pytest.mark.parametrize(("accuracies", "ranks"), [([1.0, 1.0, 0.5], "113"), ([0.5, np.nan], "1–")])
def test_equal_accuracies_share_a_rank(accuracies, ranks, capsys):
    figures = {"test_accuracy_low": np.nan, "test_accuracy_high": np.nan, "val_accuracy_mean": 0.5, "params": 1}
    costs = {"macs": 1, "latency_seconds_mean": 0.1, "train_seconds_mean": 1.0, "failed": 0, "recipe": "r"}
    rows = [
        {
            "model": "m",
            "group": "a",
            "test_accuracy_mean": one,
            "seeds": int(one == one),
            "runs": int(one == one),
            **figures,
            **costs,
        }
        for one in accuracies
    ]
    print_table(SimpleNamespace(to_dict=lambda _: rows))
    assert "".join(line[0] for line in capsys.readouterr().out.splitlines()[1:]) == ranks
