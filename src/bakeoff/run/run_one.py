"""From a resolved run to its record."""

import hashlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import save
from torch import Tensor, nn

from bakeoff import durable
from bakeoff.data.imageset import ImageSet, IntArray
from bakeoff.data.pipeline import Part, mix_seed
from bakeoff.data.splits import Split
from bakeoff.errors import DivergedError, InterruptedRunError
from bakeoff.evaluation.metrics import compute
from bakeoff.evaluation.metrics.accuracy import accuracy
from bakeoff.evaluation.metrics.cross_entropy import cross_entropy
from bakeoff.evaluation.predict import Logits, images_at_once, predict
from bakeoff.models.expectation import Expectation
from bakeoff.models.summary import count_parameters
from bakeoff.records.run import EpochRow, RunRecord, RunState
from bakeoff.run.device import environment
from bakeoff.run.explain import explain
from bakeoff.run.heap import give_back_freed_memory
from bakeoff.run.meter import Meter
from bakeoff.run.resolve import PlannedRun
from bakeoff.run.start_up import start_up
from bakeoff.run.tensorboard import TensorBoard
from bakeoff.run.wiring import Parts, wire, with_features
from bakeoff.store.folder import Predictions, RunFolder
from bakeoff.training.checkpoint import Checkpoints
from bakeoff.training.features import Extraction
from bakeoff.training.fit import Fitted, Notice, Progress, fit
from bakeoff.training.precision import Precision

News = Progress | EpochRow | Extraction | Notice


def _ignore(_: object) -> None:
    pass


def _never() -> bool:
    return False


@dataclass(frozen=True)
class Hooks:
    """What a run tells while it goes on, and what it asks."""

    report: Callable[[News], None] = _ignore
    stop_requested: Callable[[], bool] = _never
    test_opened: Callable[[str], None] = field(default=_ignore)  # told the digest of the weights it is opened for


def run_one(
    planned: PlannedRun,
    images: ImageSet,
    split: Split,
    folder: RunFolder,
    device: torch.device,
    hooks: Hooks,
    features: Path,
) -> RunRecord:
    """Train, evaluate on every part, and save weights, logits, and where the model looked.

    What a frozen backbone makes of the images is kept below the folder `features`, for other runs as well.

    The split's test lock is opened when the weights are final and on the disk, and not before. The generators of the
    process are left as they were.

    Raises:
        DivergedError: a loss, a weight or a logit was not finite.
        InterruptedRunError: `hooks.stop_requested` said yes.
    """
    spec = planned.spec
    start_up(device, spec.recipe, len(split.train))  # before any meter, else a process's first run is charged with it
    checkpoints = Checkpoints(folder.checkpoints, spec.run_id)
    meter = Meter(device)
    folder.write_spec(spec)
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        wired = wire(planned, images, split, device)
        parts = with_features(
            wired,
            spec,
            images.fingerprint,
            features,
            len(split.test),
            report=hooks.report,
            stop_requested=hooks.stop_requested,
        )
        size = spec.model.image_size
        assert size is not None, "a resolved spec has a size"
        at_once = images_at_once(size)
        judge = _Judge(parts.prepare, parts.precision, at_once, hooks.stop_requested, tta=spec.protocol.tta)
        parameters = count_parameters(parts.model)  # before training, which freezes what has learnt enough
        with closing(TensorBoard(folder.path)) as board:
            fitted = _train(parts, judge, checkpoints, mix_seed(spec.seed, 1), meter, board, hooks)
    give_back_freed_memory()
    weights = _serialized(parts.model, Expectation(size, spec.recipe.normalize))
    durable.write(folder.weights, weights)
    digest = hashlib.sha256(weights).hexdigest()
    known = {"train": (parts.train, split.train), "val": (parts.val, split.val)}
    predictions = {
        name: judge.predictions(parts.trained, part, indices, plain=name == "train")
        for name, (part, indices) in known.items()
        if len(part)
    }
    hooks.test_opened(digest)
    test_indices = split.test.open(spec.run_id, digest)
    test = Part(images, test_indices, device)
    predictions["test"] = judge.predictions(parts.trained, parts.represent(test), test_indices)
    _check_finite(predictions)
    folder.write_predictions(predictions)
    folder.write_maps(explain(wired.model, wired.prepare, test, predictions["test"]))
    return RunRecord(
        spec=spec,
        state=RunState.FINISHED,
        epochs=fitted.rows,
        best_epoch=fitted.best_epoch,
        metrics=_metrics(predictions),
        parameters=parameters,
        cost=meter.cost(
            parts.model,
            (planned.channels, size, size),
            parts.precision,
            fitted,
            parts.cache,
            checkpoints.seconds,
            len(weights),
        ),
        deviations=planned.deviations + parts.deviations + fitted.deviations,
        environment=environment(device),
    )


def _train(
    parts: Parts,
    judge: "_Judge",
    checkpoints: Checkpoints,
    seed: int,
    meter: Meter,
    board: TensorBoard,
    hooks: Hooks,
) -> Fitted:
    """Train what is trained of the network; the meter, the board and the hooks are told of everything."""

    def report(news: Progress | EpochRow | Notice) -> None:
        if isinstance(news, EpochRow):
            board.epoch_ended(news)
        meter.sample()
        hooks.report(news)

    return fit(
        parts.trained,
        parts.batches,
        parts.prepare,
        (lambda candidate: judge.validate(candidate, parts.val)) if len(parts.val) else None,
        parts.recipe,
        parts.precision,
        checkpoints,
        seed=seed,
        report=report,
        stop_requested=hooks.stop_requested,
        proxy=parts.proxy,
    )


def _serialized(model: nn.Module, expects: Expectation) -> bytes:
    """Return the content of a file with a network's weights and what they expect."""
    state = {name: tensor.cpu().contiguous() for name, tensor in model.state_dict().items()}
    return save(state, expects.metadata)


class _Judge:
    """Evaluates models on parts of the data, always on every image; asks between chunks whether to stop."""

    def __init__(
        self,
        prepare: Callable[[Tensor], Tensor],
        precision: Precision,
        at_once: int,
        stop_requested: Callable[[], bool],
        *,
        tta: str,
    ) -> None:
        self._prepare = prepare
        self._stop_requested = stop_requested
        self._at_once = at_once
        self._precision = precision
        self._tta = tta

    def validate(self, model: nn.Module, part: Part) -> tuple[float, float]:
        """Return loss and accuracy, as the protocol judges."""
        logits, labels = self._logits(model, part, tta=self._tta), part.labels.cpu().numpy()
        return cross_entropy(logits, labels), accuracy(logits, labels)

    def predictions(self, model: nn.Module, part: Part, indices: IntArray, *, plain: bool = False) -> Predictions:
        """Return what is saved of a part; `plain` leaves out other views of images, which take far longer."""
        views = self._tta != "none" and not plain
        averaged = self._logits(model, part, tta=self._tta) if views else None
        return Predictions(indices, part.labels.cpu().numpy(), self._logits(model, part, tta="none"), averaged)

    def _logits(self, model: nn.Module, part: Part, *, tta: str) -> Logits:
        return predict(model, self._inputs(part), self._precision.autocast(), tta=tta)

    def _inputs(self, part: Part) -> Iterator[Tensor]:
        for batch in part.chunks(self._at_once):
            if self._stop_requested():
                raise InterruptedRunError("stopped while the network was judged; the same command goes on from there")
            yield self._prepare(batch.images)


def _check_finite(predictions: Mapping[str, Predictions]) -> None:
    """Raise `DivergedError` for logits that are not finite, which finite weights can give where they are huge."""
    for part, found in predictions.items():
        if bad := int((~np.isfinite(found.judged)).any(1).sum()):
            raise DivergedError(f"the final network's logits are not finite for {bad} images of the {part} part")


def _metrics(predictions: Mapping[str, Predictions]) -> dict[str, dict[str, float]]:
    """Return every metric of every part, and the plain accuracy beside one with test-time augmentation."""
    found = {part: compute(p.judged, p.labels) for part, p in predictions.items()}
    for part, p in predictions.items():
        if p.averaged is not None:
            found[part]["plain_accuracy"] = accuracy(p.logits, p.labels)
    return found
