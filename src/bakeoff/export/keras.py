"""The network of a run for Keras."""

from collections.abc import Sequence
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from bakeoff.data.preprocess import input_channels
from bakeoff.errors import StoreError
from bakeoff.models.keras_files import save_keras_weights
from bakeoff.models.library import build
from bakeoff.records.run import RunRecord


def save_for_keras(run: RunRecord, weights: Path, shape: Sequence[int], classes: int, path: Path) -> None:
    """Write a run's final weights so that `keras.Model.load_weights` takes them for the same network in Keras.

    Args:
        run: that has finished.
        weights: its file.
        shape: of the data set's images, (N, H, W, C).
        classes: number of logits.
        path: ends in `.weights.h5`.

    Raises:
        ModelError: a layer has no counterpart in Keras, or the path has another ending.
        StoreError: the run has no weights, or damaged ones, or the path cannot be written.
    """
    spec = run.spec
    size = spec.model.image_size
    assert size is not None, "a stored spec is resolved"
    with torch.random.fork_rng(devices=[]):
        model = build(spec.model, classes, input_channels(shape[-1], spec.recipe.normalize), size)
    try:
        model.load_state_dict(load_file(weights))
    except (OSError, SafetensorError, RuntimeError) as error:
        why = str(error).partition("\n")[0]
        raise StoreError(f"{weights}: the run's weights cannot be read ({why}); train it to its end first") from None
    try:
        save_keras_weights(model, path)
    except OSError as error:
        raise StoreError(f"{path}: cannot be written ({error.strerror}); give another path") from None
