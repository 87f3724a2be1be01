"""The record of a run: its state, its epochs, its figures, and everything in which it deviated."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from math import ceil

from bakeoff.specs.run import RunSpec


class RunState(StrEnum):
    """Where a run stands. Only `finished` runs are ranked."""

    PENDING = "pending"
    RUNNING = "running"
    FINISHED = "finished"
    FAILED = "failed"
    DIVERGED = "diverged"
    INTERRUPTED = "interrupted"

    @property
    def is_final(self) -> bool:
        """Whether the run will not be tried again, unless a failed one is asked for."""
        return self in (RunState.FINISHED, RunState.FAILED, RunState.DIVERGED)


@dataclass(frozen=True)
class EpochRow:
    """One epoch. Training figures are means over its batches while the weights were changing."""

    epoch: int  # from 1
    lr: float  # base learning rate at the last step
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    seconds: float  # training alone
    images_per_second: float

    @property
    def images(self) -> int:
        """How many images it trained on."""
        return round(self.seconds * self.images_per_second)


@dataclass(frozen=True)
class Deviation:
    """Something in which a run differs from what was asked for, or from the other runs of its study."""

    what: str  # the field, such as "model.image_size"
    wanted: str
    got: str
    why: str


@dataclass(frozen=True)
class ParameterCount:
    """Numbers of weights as Keras counts them: running statistics of normalization are non-trainable."""

    total: int
    trainable: int
    non_trainable: int


@dataclass(frozen=True)
class Timing:
    """How long forward passes over a batch took, once they had warmed up."""

    batch: int  # images in it
    seconds: float  # of a pass, the median
    low: float  # the first quartile
    high: float  # the third quartile
    passes: int  # that were timed

    @property
    def images_per_second(self) -> float:
        """Images in a second, by the median."""
        return self.batch / self.seconds


@dataclass(frozen=True)
class Cost:
    """What a run took, measured while it ran, and what its network takes to use.

    Fields with a default were added later: records of older runs lack them.
    """

    train_seconds: float  # training steps alone
    total_seconds: float  # with validation, evaluation and saving, in all attempts at the run
    images_per_second: float  # of training
    peak_memory_bytes: int  # of the device; on a CPU the largest resident set
    weights_bytes: int
    cached_features: bool = False  # whether a frozen backbone's features were computed once, and trained on
    feature_seconds: float = 0.0  # of computing them, also where another run had done it
    own_peak_memory: bool = False  # whether the peak is of this run alone, and not of its process so far
    macs: int | None = None  # multiply-accumulates of a forward pass of one image
    latency: Timing | None = None  # of one image
    throughput: Timing | None = None  # of a batch of 64, or fewer where that takes too long
    joules: float | None = None  # of the whole run; None where nothing is known
    joules_of: str = ""  # what used them: gpu, or cpu, with everything else that ran on it; or estimate

    @property
    def training_seconds(self) -> float:
        """What training would take on its own: its steps, and the features that they are on."""
        return self.train_seconds + self.feature_seconds


@dataclass(frozen=True)
class RunRecord:
    """Everything known of one run.

    `metrics` maps a part ("train", "val", "test") to metric names and values; the part "robustness", where it was asked
    for, maps corruptions of the test images with their severity, such as "noise.1", to accuracies.
    """

    spec: RunSpec
    state: RunState
    epochs: tuple[EpochRow, ...] = ()
    best_epoch: int | None = None  # the epoch whose weights were kept, from 1
    metrics: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    parameters: ParameterCount | None = None
    cost: Cost | None = None
    deviations: tuple[Deviation, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    attempts: int = 0
    started: str = ""  # ISO 8601, UTC
    finished: str = ""
    stored_id: str = ""  # of a run that was read from a store

    @property
    def run_id(self) -> str:
        """The identity of the run: the hash that its spec had when it was stored.

        It is not computed again for a stored run, because specs gain fields over time.
        """
        return self.stored_id or self.spec.run_id

    @property
    def expected_epochs(self) -> int:
        """After how many epochs training ends at the latest, at the pace of the last one."""
        images = self.epochs[0].images if self.epochs else 0  # the last epoch may have been cut short
        if not images:
            return self.spec.recipe.epochs
        return ceil(self.spec.recipe.expected_epochs(images, self.epochs[-1].images_per_second))

    @property
    def corrupted_accuracy(self) -> float | None:
        """Mean accuracy over all corruptions of the test images; None where it was not asked for."""
        found = self.metrics.get("robustness", {})
        return sum(found.values()) / len(found) if found else None

    @property
    def seconds_to_best(self) -> float | None:
        """Seconds of training up to the epoch whose weights were kept; None without one."""
        return None if self.best_epoch is None else self._seconds_up_to(self.best_epoch)

    def seconds_to(self, accuracy: float) -> float | None:
        """Return the seconds of training up to the first epoch with this validation accuracy; None if it has none."""
        reached = (row.epoch for row in self.epochs if row.val_accuracy is not None and row.val_accuracy >= accuracy)
        first = next(reached, None)
        return None if first is None else self._seconds_up_to(first)

    def _seconds_up_to(self, epoch: int) -> float:
        features = self.cost.feature_seconds if self.cost else 0.0
        return features + sum(row.seconds for row in self.epochs if row.epoch <= epoch)
