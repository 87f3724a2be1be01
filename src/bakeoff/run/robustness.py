"""How a finished run's network does on corrupted test images."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import replace

import torch
from safetensors import SafetensorError
from safetensors.torch import load
from torch import Tensor

from bakeoff.data.corruptions import CHUNK, CORRUPTIONS, SEVERITIES, corrupt
from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.data.splits import Split
from bakeoff.errors import InterruptedRunError, StoreError
from bakeoff.evaluation.metrics.accuracy import accuracy
from bakeoff.evaluation.predict import images_at_once, predict
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.wiring import Parts, wire
from bakeoff.store.folder import RunFolder

PART = "robustness"  # of the metrics of a run
REMEDY = "bring those back, or train anew in another folder (--out)"


def measure_robustness(
    planned: PlannedRun,
    images: ImageSet,
    split: Split,
    folder: RunFolder,
    device: torch.device,
    judged: str,
    stop_requested: Callable[[], bool],
) -> dict[str, float]:
    """Return the accuracy of a run's saved weights on every corruption at every severity, such as `noise.1`.

    Args:
        planned: the run, finished.
        images: the data set.
        split: its parts; the test set is handed out again, for the same weights.
        folder: of the run.
        device: to compute on.
        judged: the digest of the weights for which the run opened the test set.
        stop_requested: asked between corruptions.

    Raises:
        StoreError: the weights are missing, damaged, or not those that were judged.
        InterruptedRunError: `stop_requested` said yes.
    """
    parts = _restored(planned, images, split, folder, device, judged)
    test = split.test.reopen(planned.spec.run_id, judged)
    size = planned.spec.model.image_size
    assert size is not None, "a resolved spec has a size"
    found = {}
    for name in CORRUPTIONS:
        for severity in SEVERITIES:
            if stop_requested():
                raise InterruptedRunError("interrupted while corrupted images were judged")
            inputs = _inputs(parts, images, test, name, severity, images_at_once(size), device)
            logits = predict(parts.model, inputs, parts.precision.autocast(), tta=planned.spec.protocol.tta)
            found[f"{name}.{severity}"] = accuracy(logits, images.labels[test])
    return found


def _restored(
    planned: PlannedRun, images: ImageSet, split: Split, folder: RunFolder, device: torch.device, judged: str
) -> Parts:
    """Return the parts of a run, its network with the weights that it ended with."""
    try:
        content = folder.weights.read_bytes()
        weights = load(content)
    except (OSError, SafetensorError) as error:
        raise StoreError(f"the weights in {folder.path} cannot be read: {error}; {REMEDY}") from None
    if hashlib.sha256(content).hexdigest() != judged:
        raise StoreError(f"{folder.weights} does not hold the weights that were judged; {REMEDY}")
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        parts = wire(replace(planned, weights=None), images, split, device)
    parts.model.load_state_dict(weights)
    return parts


def _inputs(
    parts: Parts, images: ImageSet, test: IntArray, name: str, severity: int, at_once: int, device: torch.device
) -> Iterator[Tensor]:
    for chunk in range(-(-len(test) // CHUNK)):
        clean = torch.from_numpy(images.images[test[chunk * CHUNK : (chunk + 1) * CHUNK]])
        for batch in torch.split(corrupt(clean, name, severity, chunk).to(device), at_once):
            yield parts.prepare(batch)
