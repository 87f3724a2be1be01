"""The network of a run in Keras: the weights that a result writes for it."""

from pathlib import Path

import numpy as np
import pytest
import torch
from keras_documents import simcnn
from safetensors.torch import load_file

import bakeoff
from bakeoff.errors import ModelError, StoreError
from bakeoff.models.library import build

QUICK = {"seeds": 1, "epochs": 1, "max_train": 60, "batch_size": 30, "offline": True, "device": "cpu"}


@pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning")
def test_keras_takes_what_a_result_writes(keras, tiny_data: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("BAKEOFF_CACHE", str(tmp_path / "cache"))
    result = bakeoff.compare("cifar10", "simcnn", out=tmp_path / "out", data_dir=tiny_data, verbose=False, **QUICK)
    (run,) = result.runs
    path = result.save_weights(run, tmp_path / "mine.weights.h5")
    theirs = simcnn(keras)
    theirs.load_weights(path)

    ours = build(run.spec.model, 10, 3, 32).eval()
    ours.load_state_dict(load_file(result.run_folder(run).weights))
    images = np.random.default_rng(0).normal(size=(4, 32, 32, 3)).astype("float32")
    with torch.no_grad():
        expected = ours(torch.from_numpy(images).permute(0, 3, 1, 2)).numpy()
    assert np.abs(theirs.predict(images, verbose=0) - expected).max() <= 1e-4 * np.abs(expected).max()

    with pytest.raises(ModelError, match=r"ends in \.weights\.h5"):
        result.save_weights(run, tmp_path / "mine.h5")
    result.run_folder(run).weights.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        result.save_weights(run, tmp_path / "again.weights.h5")
