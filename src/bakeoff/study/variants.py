"""What is compared: a model with a recipe, over its seeds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bakeoff.records.run import RunRecord, RunState


@dataclass(frozen=True)
class Variant:
    """A row of the leaderboard: the runs that differ in nothing but their seed.

    Attributes:
        model: its title.
        recipe: its name.
        name: the model, with the recipe where the study trains the model with several; no two are the same.
        records: of every seed, whatever their state.
    """

    model: str
    recipe: str
    name: str
    records: tuple[RunRecord, ...]

    @property
    def finished(self) -> tuple[RunRecord, ...]:
        """The runs that count."""
        return tuple(record for record in self.records if record.state is RunState.FINISHED)


def variants(records: Iterable[RunRecord]) -> tuple[Variant, ...]:
    """Return the variants among runs, in the order in which they first appear."""
    groups: dict[tuple[str, str], list[RunRecord]] = {}
    for record in records:
        groups.setdefault((record.spec.model.title, record.spec.recipe.name), []).append(record)
    recipes = Counter(model for model, _ in groups)
    return tuple(
        Variant(model, recipe, model if recipes[model] == 1 else f"{model} ({recipe})", tuple(group))
        for (model, recipe), group in groups.items()
    )
