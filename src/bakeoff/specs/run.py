"""One training run: everything that decides its result."""

from pydantic import Field

from bakeoff.specs.base import Spec, digest
from bakeoff.specs.data import DataSpec
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.protocol import BESIDE, Protocol
from bakeoff.specs.recipe import Recipe


class RunSpec(Spec):
    """A resolved run. Two equal ones are the same run, wherever and whenever they are asked for."""

    data: DataSpec
    model: ModelSpec
    recipe: Recipe
    protocol: Protocol
    seed: int = Field(ge=0, lt=2**32)

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
        if self.data.fingerprint:
            del content["data"]["name"]
        if self.model.weights_sha256:
            del content["model"]["weights"]
        return digest(content)
