"""The rules of a comparison: how data is split, what is held equal, how a model is chosen."""

from typing import Literal, Self

from pydantic import Field, model_validator

from bakeoff.specs.base import Spec

BESIDE = (
    "robustness",
    "target_accuracy",
)  # fields of a protocol that change nothing of training and judging, only what is told


class Budget(Spec):
    """What every model may spend on training; exactly one of the three."""

    epochs: int | None = Field(None, ge=1)
    steps: int | None = Field(None, ge=1, description="optimizer steps")
    seconds: float | None = Field(None, gt=0, description="seconds of training, validation left out")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(value is not None for value in (self.epochs, self.steps, self.seconds)) != 1:
            raise ValueError("a budget is exactly one of epochs, steps and seconds")
        return self


class Protocol(Spec):
    """The rules that hold for every model of a comparison.

    Modes: `same-recipe` trains every model with one recipe; `own-recipe` trains each with the one declared for it;
    `budget` trains each with its own recipe within an equal `budget`.
    """

    mode: Literal["same-recipe", "own-recipe", "budget"] = "same-recipe"
    budget: Budget | None = None
    val_fraction: float = Field(0.1, ge=0, lt=1, description="share of the training images held out for validation")
    test_fraction: float = Field(0.2, gt=0, lt=1, description="share split off where the data set brings no test set")
    folds: int | None = Field(
        None, ge=2, description="cross-validation: every image is tested in one of so many folds, anew for each seed"
    )
    split_seed: int = Field(0, ge=0, lt=2**32, description="seed of the splits, the same for every run of a study")
    tta: Literal["none", "flip", "flip+shift"] = Field(
        "none", description="test-time augmentation; plain accuracy is kept as well"
    )
    deterministic: bool = Field(
        False, description="let a GPU compute the same bits every time, more slowly; a CPU does so anyway"
    )

    robustness: bool = Field(False, description="also judge the final weights on corrupted test images")
    target_accuracy: float | None = Field(
        None, gt=0, le=1, description="validation accuracy to which the seconds of training are reported"
    )

    @model_validator(mode="after")
    def _budget_belongs(self) -> Self:
        if (self.mode == "budget") != (self.budget is not None):
            lacks = "needs a budget of epochs, steps or seconds" if self.budget is None else "takes no budget"
            raise ValueError(f"mode {self.mode!r} {lacks}; mode 'budget' and a budget belong together")
        return self
