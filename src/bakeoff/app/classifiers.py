"""The networks of finished runs, ready to be asked about an image."""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor, nn

from bakeoff.app.places import inside
from bakeoff.app.studies import Reading, Studies
from bakeoff.data.imageset import UInt8Array
from bakeoff.data.pipeline import Part
from bakeoff.data.preprocess import Preprocess, input_channels
from bakeoff.data.splits import split_of
from bakeoff.errors import DataError, StoreError
from bakeoff.evaluation.predict import predict
from bakeoff.models.library import build
from bakeoff.records.run import RunRecord
from bakeoff.training.precision import Precision

MODELS, BYTES = 8, 1_000_000_000  # kept, at most; one larger than that is kept alone
CPU = torch.device("cpu")
Statistics = tuple[tuple[float, ...], tuple[float, ...]]


@dataclass(frozen=True)
class Classifier:
    """A trained network, and what makes uint8 images (B, H, W, C) into its input."""

    model: nn.Module
    prepare: Callable[[Tensor], Tensor]
    tta: str

    @property
    def bytes(self) -> int:
        """Of its weights."""
        return sum(tensor.nbytes for tensor in self.model.state_dict().values())

    def probabilities(self, image: UInt8Array) -> NDArray[np.float32]:
        """Return the probability of every class, shape (K,), for an image (H, W, C)."""
        inputs = self.prepare(torch.from_numpy(np.ascontiguousarray(image))[None])
        logits = predict(self.model, [inputs], Precision("off", CPU).autocast(), tta=self.tta)
        return torch.from_numpy(logits[0]).softmax(0).numpy()


class Classifiers:
    """Makes classifiers from the folders of runs, on the CPU, and keeps those used last. One at a time is asked."""

    def __init__(self, studies: Studies) -> None:
        self._studies = studies
        self._lock = threading.Lock()
        self._kept: OrderedDict[tuple[Any, ...], Classifier] = OrderedDict()
        self._statistics: dict[tuple[str, str, str], Statistics] = {}

    def ask(self, reading: Reading, record: RunRecord, image: UInt8Array, deadline: float) -> NDArray[np.float32]:
        """Return what a finished run says of an image that `prepared` has made.

        Args:
            reading: the run's study.
            record: the run.
            image: shape (H, W, C).
            deadline: on the clock of `time.monotonic`, after which nothing is begun any more.

        Raises:
            BakeoffError: the run cannot be asked, or not before the deadline.
        """
        if not self._lock.acquire(timeout=max(0.0, deadline - time.monotonic())):
            raise StoreError("other images are being looked at; try again")
        try:
            if time.monotonic() > deadline:
                raise StoreError("there was no time left to ask it; try again, networks that were read stay ready")
            return self._classifier(reading, record).probabilities(image)
        finally:
            self._lock.release()

    def _classifier(self, reading: Reading, record: RunRecord) -> Classifier:
        weights = inside(reading.root, reading.run_folder(record).weights)
        try:
            key = (weights, weights.stat().st_mtime_ns)
        except OSError:
            raise StoreError("its weights are not in its folder any more") from None
        if key not in self._kept:
            self._kept[key] = self._made(reading, record)
        self._kept.move_to_end(key)
        while len(self._kept) > 1 and (len(self._kept) > MODELS or sum(c.bytes for c in self._kept.values()) > BYTES):
            self._kept.popitem(last=False)
        return self._kept[key]

    def _made(self, reading: Reading, record: RunRecord) -> Classifier:
        spec = record.spec
        _, height, width, stored = reading.subject.about["data"]["shape"]
        size, channels = spec.model.image_size, input_channels(stored, spec.recipe.normalize)
        assert size is not None, "a stored spec is resolved"
        none = (0.0,) * channels, (1.0,) * channels
        statistics = self._of_training(reading, record) if spec.recipe.normalize == "dataset" else none
        prepare = Preprocess((height, width, stored), spec.recipe.normalize, statistics, channels, size, CPU)
        model = build(spec.model, len(reading.subject.class_names), channels, size)
        try:
            model.load_state_dict(load_file(reading.run_folder(record).weights))
        except (OSError, SafetensorError, RuntimeError) as error:
            raise StoreError(f"its weights cannot be read ({str(error).partition(chr(10))[0][:120]})") from None
        return Classifier(model, prepare, spec.protocol.tta)

    def _of_training(self, reading: Reading, record: RunRecord) -> Statistics:
        """Return the channels' mean and deviation that the run was trained with, which stand in no file."""
        spec = record.spec
        key = (spec.data.digest(), spec.protocol.digest(), spec.turn if spec.fold else "")
        if key not in self._statistics:
            subject = self._studies.with_images(reading)
            if subject.images is None:
                raise DataError(
                    "it wants images with the mean and deviation of its training images, and these are not at hand: "
                    f"{subject.why_no_images}"
                )
            train = split_of(subject.images, spec).train
            self._statistics[key] = Part(subject.images, train, CPU).channel_statistics()
        return self._statistics[key]
