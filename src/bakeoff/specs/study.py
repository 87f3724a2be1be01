"""A comparison as data: models x recipes x settings x seeds under one protocol."""

from typing import Annotated, Any

from pydantic import Field, field_validator

from bakeoff.specs.base import Spec
from bakeoff.specs.data import DataSpec
from bakeoff.specs.model import ModelSpec
from bakeoff.specs.protocol import Protocol
from bakeoff.specs.recipe import Recipe

Seed = Annotated[int, Field(ge=0, lt=2**32)]
MOST_SEEDS = 10_000  # of a number that says how many; a larger one is rather a seed
Values = Annotated[tuple[Any, ...], Field(min_length=1)]


class StudySpec(Spec):
    """What to compare.

    `models` may hold patterns such as `vgg*`. `overrides` maps dotted fields of a run, such as `recipe.optimizer.lr`,
    to the value that every run gets; `grid` maps them to the values to try, and every combination is one variant.
    `only` maps titles of models to the one of their variants that is trained, by the name of its recipe.
    """

    data: DataSpec
    models: tuple[ModelSpec, ...] = Field(min_length=1)
    recipes: tuple[Recipe, ...] = ()
    protocol: Protocol = Protocol()
    seeds: tuple[Seed, ...] = Field((0, 1, 2), min_length=1)
    overrides: dict[str, Any] = Field(default_factory=dict)
    grid: dict[str, Values] = Field(default_factory=dict)
    only: dict[str, str] = Field(default_factory=dict)

    @field_validator("models", mode="before")
    @classmethod
    def _one_or_several(cls, given: Any) -> Any:
        return [given] if isinstance(given, str | dict) else given

    @field_validator("seeds", mode="before")
    @classmethod
    def _seeds_by_count(cls, given: Any) -> Any:
        if isinstance(given, int) and not isinstance(given, bool):
            if given < 1:
                raise ValueError("at least one seed is needed")
            if given > MOST_SEEDS:
                raise ValueError(f"a number is how many, {MOST_SEEDS:,} at most; to say which, list them, as in 0,5,7")
            return tuple(range(given))
        if not isinstance(given, list | tuple):
            raise ValueError("must be how many, such as 3, or a list of which, such as [0, 5, 7]")
        return given

    @field_validator("seeds")
    @classmethod
    def _seeds_differ(cls, seeds: tuple[int, ...]) -> tuple[int, ...]:
        if len(set(seeds)) != len(seeds):
            raise ValueError("every seed may stand once")
        return seeds

    def content(self) -> dict[str, Any]:
        """Return the fields as plain JSON types.

        Of models only what was given: where a system of the library is named, the library fills in the rest. Without
        `only`, where it says nothing, so that studies from before it are the same studies.
        """
        content = {
            **super().content(),
            "models": [model.model_dump(mode="json", exclude_unset=True) for model in self.models],
        }
        return content if self.only else {name: value for name, value in content.items() if name != "only"}
