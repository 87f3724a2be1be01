"""What one file of the library holds: a recipe, and for a system of a document all that makes it runnable."""

from typing import Annotated, Any, Literal

from pydantic import Field

from bakeoff.specs.base import Spec
from bakeoff.specs.data import DataSpec
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.protocol import Protocol
from bakeoff.specs.recipe import Recipe

Share = Annotated[float, Field(ge=0, le=1)]
Loss = Annotated[float, Field(ge=0)]


class Parameters(Spec):
    """Numbers of weights as Keras counts them."""

    total: int
    trainable: int
    non_trainable: int


class Reported(Spec):
    """Figures that a source reports, as facts, of one run unless a note says otherwise.

    Accuracies are shares, losses are cross-entropy in nats. `running_…` are the means over the batches of the last
    epoch, while the weights were changing: what Keras prints. The others are of the final weights.
    """

    test_accuracy: Share | None = None
    test_loss: Loss | None = None
    val_accuracy: Share | None = None
    val_loss: Loss | None = None
    train_accuracy: Share | None = None
    train_loss: Loss | None = None
    running_train_accuracy: Share | None = None
    running_train_loss: Loss | None = None
    best_epoch: int | None = Field(None, ge=1)
    seconds_per_epoch: float | tuple[float, float] | None = Field(None, description="or the least and the most")

    @property
    def figures(self) -> dict[str, float]:
        """Every figure that there is, but for the time, by name."""
        known = self.model_dump(exclude={"seconds_per_epoch"}, exclude_none=True)
        return {name: float(value) for name, value in known.items()}

    @property
    def seconds(self) -> tuple[float, float] | None:
        """The least and the most seconds of an epoch."""
        given = self.seconds_per_epoch
        return (given, given) if isinstance(given, float) else given


class Faithful(Spec):
    """What repeats a fault of the document that changes its figures; nothing of it is done unless asked for."""

    why: str
    mended: tuple[str, ...] = Field((), description="what is done instead where it is not repeated")
    overrides: dict[str, Any] = Field(min_length=1, description="dotted fields of a run, as in `StudySpec.overrides`")


class Entry(Spec):
    """One file of the library. Where it has a `model` it is a system: complete, and runnable by its name."""

    summary: str
    recipe: Recipe
    model: ModelSpec | None = None
    data: DataSpec | None = None
    protocol: Protocol = Protocol()
    document: Literal["A", "B", "C", "D", "E"] | None = None
    improves: str | None = Field(None, description="the document's system of which this is an improvement")
    parameters: Parameters | None = Field(None, description="of the model for ten classes, as it is trained")
    reported: Reported = Reported()
    notes: tuple[str, ...] = Field((), description="every deviation from the document, and every fault of it")
    faithful: Faithful | None = None
