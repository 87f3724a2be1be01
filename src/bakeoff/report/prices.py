"""What a model can be said to cost."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bakeoff.records.run import Cost, RunRecord
from bakeoff.report.subject import Contender
from bakeoff.report.text import SPACE, duration, milliseconds, size, whole


@dataclass(frozen=True)
class Price:
    """A cost of a run, or of its network: the less, the better, unless it is how much comes out.

    Attributes:
        id: within the names of elements of the page.
        title: as columns and choices call it.
        axis: as axes call it, with its unit.
        ticks: how an axis writes it.
        unit: of axes, in that of `of`.
        estimated: whether a run's was not measured.
        write: how a cell writes it.
        of: a run's; None where it was not measured.
        varies: whether it is another in every run.
        note: what the title leaves unsaid.
        more: whether more of it is better.
    """

    id: str
    title: str
    axis: str
    ticks: str
    write: Callable[[float | None], str]
    of: Callable[[RunRecord], float | None]
    varies: bool
    note: str
    unit: float = 1.0
    estimated: Callable[[RunRecord], bool] = lambda _: False
    more: bool = False

    @property
    def sign(self) -> int:
        """What to multiply it by so that less is better."""
        return -1 if self.more else 1

    def mean(self, contender: Contender) -> str:
        """Return how a cell writes the mean over finished runs, of which it is known: with a mark if estimated."""
        return self.mean_of([record for record in contender.finished if self.of(record)])

    def mean_of(self, records: Sequence[RunRecord]) -> str:
        """Return how a cell writes the mean over some runs that have it: with a mark if any of them is estimated."""
        rough = "≈" + SPACE if any(map(self.estimated, records)) else ""
        return rough + self.write(math.fsum(self.of(record) or 0.0 for record in records) / len(records))

    def per_run(self, contender: Contender) -> list[float]:
        """Return it for every finished run, or nothing where it is not known of all, or 0."""
        found = [price for record in contender.finished if (price := self.of(record))]
        return found if len(found) == len(contender.finished) else []


def _of_cost(read: Callable[[Cost], float | None]) -> Callable[[RunRecord], float | None]:
    return lambda record: read(record.cost) if record.cost else None


PRICES = (
    Price(
        "seconds",
        "training time",
        "seconds of training, one run",
        ",~g",
        duration,
        _of_cost(lambda cost: cost.training_seconds),
        True,
        "of one run, validation left out",
    ),
    Price(
        "training-speed",
        "training images/s",
        "images a second, in training",
        "~s",
        whole,
        _of_cost(lambda cost: cost.images_per_second),
        True,
        "images that a second of training took in; more is better",
        more=True,
    ),
    Price(
        "best-seconds",
        "time to the best epoch",
        "seconds of training to the best epoch, one run",
        ",~g",
        duration,
        lambda record: record.seconds_to_best,
        True,
        "seconds of training up to the epoch whose weights were kept",
    ),
    Price(
        "macs",
        "MACs",
        "multiply-accumulates for one image",
        "~s",
        whole,
        _of_cost(lambda cost: cost.macs),
        False,
        "multiply-accumulates of a forward pass of one image at the run's input size, in convolutions, matrix products "
        "and attention; FLOPs are twice as many",
    ),
    Price(
        "parameters",
        "parameters",
        "parameters",
        "~s",
        whole,
        lambda record: record.parameters.total if record.parameters else None,
        False,
        "all weights, as Keras counts them",
    ),
    Price(
        "latency",
        "latency",
        "milliseconds for one image",
        ",~g",
        milliseconds,
        _of_cost(lambda cost: cost.latency.seconds if cost.latency else None),
        True,
        "of a forward pass of one image, in the run's precision, from the device to logits on the host; the median",
        unit=0.001,
    ),
    Price(
        "throughput",
        "images/s",
        "images a second, in batches",
        "~s",
        whole,
        _of_cost(lambda cost: cost.throughput.images_per_second if cost.throughput else None),
        True,
        "of forward passes over 64 images, or as many as stand beside its middle half; the median; more is better",
        more=True,
    ),
    Price(
        "memory",
        "peak memory",
        "bytes of memory at most, one run",
        "~s",
        size,
        _of_cost(lambda cost: cost.peak_memory_bytes),
        True,
        "of one run with its evaluation: of a GPU what tensors took, else what of the whole process was resident, with "
        "Python, its libraries and the images",
    ),
    Price(
        "size",
        "size",
        "bytes of the weights' file",
        "~s",
        size,
        _of_cost(lambda cost: cost.weights_bytes),
        False,
        "of the file of weights",
    ),
    Price(
        "energy",
        "energy",
        "joules, one run",
        "~s",
        lambda joules: whole(joules) + " J",
        _of_cost(lambda cost: cost.joules),
        True,
        "of one run, as the machine's counters have it: of the GPU alone, or of whole processors with all else on "
        "them; ≈ is an estimate from the time that cores worked",
        estimated=lambda record: record.cost is not None and record.cost.joules_of == "estimate",
    ),
)


def to_accuracy(target: float) -> Price:
    """Return the price of reaching a validation accuracy."""
    share = f"{100 * target:g} %"
    return Price(
        "target-seconds",
        f"time to {share}",
        f"seconds of training to a validation accuracy of {share}, one run",
        ",~g",
        duration,
        lambda record: record.seconds_to(target),
        True,
        "seconds of training to the first epoch with that validation accuracy",
    )


def known(ranked: Sequence[Contender], target: float | None = None) -> list[Price]:
    """Return the prices that at least one run has; with a target also that of reaching it, whether any run did."""
    records = [record for contender in ranked for record in contender.finished]
    prices = [price for price in PRICES if any(price.of(record) for record in records)]
    return prices if target is None else [*prices, to_accuracy(target)]
