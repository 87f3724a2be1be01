"""One training run: everything that decides its result."""

from functools import reduce
from operator import getitem
from typing import Self

from pydantic import Field, model_validator

from bakeoff.specs.base import Spec, digest
from bakeoff.specs.data import DataSpec
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.protocol import BESIDE, Protocol
from bakeoff.specs.recipe import LATER, Recipe


class RunSpec(Spec):
    """A resolved run. Two equal ones are the same run, wherever and whenever they are asked for."""

    data: DataSpec
    model: ModelSpec
    recipe: Recipe
    protocol: Protocol
    seed: int = Field(ge=0, lt=2**32)
    fold: int | None = Field(None, ge=1, description="which of the protocol's folds is the test part")

    @model_validator(mode="after")
    def _fold_belongs(self) -> Self:
        if (self.fold is None) != (self.protocol.folds is None) or (self.fold or 0) > (self.protocol.folds or 0):
            raise ValueError(f"fold {self.fold} is none of the protocol's folds, of which it has {self.protocol.folds}")
        return self

    @property
    def turn(self) -> str:
        """Which of the runs that differ in nothing else it is: "seed 0", or "seed 0, fold 2"."""
        return f"seed {self.seed}" if self.fold is None else f"seed {self.seed}, fold {self.fold}"

    @property
    def run_id(self) -> str:
        """16 hex digits: the hash of everything that decides the result.

        Labels and places do not: the recipe's name, the model's label, the data set's name once its fingerprint
        is known, the place of weights once their hash is, and what the protocol asks to be told besides.
        """
        content = self.content()
        del content["recipe"]["name"], content["model"]["label"]
        for field in BESIDE:
            del content["protocol"][field]
        if self.fold is None:  # runs of one split are what they were before there were folds
            del content["fold"], content["protocol"]["folds"]
        if not self.protocol.deterministic:  # and what they were before they could be asked to be so
            del content["protocol"]["deterministic"]
        for path, inert in LATER.items():  # and so are those whose recipes leave out what came later
            *above, field = path.split(".")
            holder = reduce(getitem, above, content["recipe"])
            if holder[field] == inert:
                del holder[field]
        if self.data.fingerprint:
            del content["data"]["name"]
        if self.model.weights_sha256:
            del content["model"]["weights"]
        return digest(content)
