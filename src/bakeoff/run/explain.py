"""Where a run's final model looked, on a few test images that it has wrong and right."""

from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from bakeoff.data.pipeline import Part
from bakeoff.errors import ModelError
from bakeoff.models.gradcam import gradcam
from bakeoff.store.folder import Maps, Predictions

WRONG, RIGHT = 6, 6  # images of each


def explain(model: nn.Module, prepare: Callable[[Tensor], Tensor], part: Part, predictions: Predictions) -> Maps:
    """Return Grad-CAM's maps of the predicted classes.

    They are of the images that it has wrong with the highest probability, and of some that it has right, evenly spread
    over the part. In full precision, one image after the other.

    Args:
        model: final.
        prepare: makes images into its input.
        part: the test images.
        predictions: for them.
    """
    positions = _picked(predictions)
    predicted = predictions.judged[positions].argmax(1)
    found: list[NDArray[np.float32]] = []
    try:
        for position, label in zip(positions.tolist(), predicted.tolist(), strict=True):
            one = torch.tensor([position], device=part.index_device)
            heat = gradcam(model, prepare(part.take(one).images), torch.tensor([label], device=part.device))
            found.append(heat[0].cpu().numpy())
    except ModelError as error:
        return Maps.none(str(error))
    return Maps(predictions.indices[positions], predictions.labels[positions], predicted, np.stack(found))


def _picked(predictions: Predictions) -> NDArray[np.intp]:
    logits = predictions.judged.astype(np.float64)
    confidence = 1 / np.exp(logits - logits.max(1, keepdims=True)).sum(1)
    is_right = logits.argmax(1) == predictions.labels
    wrong, right = np.flatnonzero(~is_right), np.flatnonzero(is_right)
    surest = wrong[np.argsort(-confidence[wrong], kind="stable")[:WRONG]]
    spread = right[np.linspace(0, len(right) - 1, min(RIGHT, len(right))).astype(int)]
    return np.concatenate([surest, spread])
