"""The example of transfer between classes shows what it says."""

import runpy
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).parents[2] / "examples"


@pytest.mark.slow
def test_pretrained_features_beat_random_ones_and_no_features(tmp_path: Path, real_data: Path):
    experiment = runpy.run_path(str(EXAMPLES / "class_split_transfer.py"))["experiment"]
    table = experiment(str(real_data), tmp_path, images=10_000, epochs=3, seeds=2, offline=True)
    accuracy = dict(zip(table["model"], table["test_accuracy_mean"], strict=True))
    assert accuracy["pretrained, frozen"] > accuracy["from scratch"] + 0.03
    assert accuracy["pretrained, frozen"] > accuracy["random, frozen"] + 0.03
