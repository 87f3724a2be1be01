"""What is compared: a model with a recipe, over its seeds and folds."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bakeoff.records.run import RunRecord, RunState


@dataclass(frozen=True)
class Variant:
    """A row of the leaderboard: the runs that differ in nothing but their seed and fold.

    Attributes:
        model: its title.
        recipe: its name.
        name: the model, with the recipe where the study trains the model with several; no two are the same.
        records: of every seed and fold, whatever their state.
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
    """Return the variants among runs, in the order in which they first appear.

    Runs of one name that differ in more than their seed and fold, such as those of a study that went on with another
    number format on another device, are variants of their own, told apart by numbers behind the recipe.
    """
    groups: dict[tuple[str, str, str], list[RunRecord]] = {}
    for record in records:
        spec = record.spec
        settings = spec.model_copy(update={"seed": 0, "fold": spec.fold and 1}).run_id
        groups.setdefault((spec.model.title, spec.recipe.name, settings), []).append(record)
    same = Counter((model, recipe) for model, recipe, _ in groups)
    counts: Counter[tuple[str, str]] = Counter()
    named: list[tuple[str, str, list[RunRecord]]] = []
    for (model, recipe, _), group in groups.items():
        counts[model, recipe] += 1
        number = f" #{counts[model, recipe]}" if same[model, recipe] > 1 else ""
        named.append((model, recipe + number, group))
    recipes = Counter(model for model, _, _ in named)
    return tuple(
        Variant(model, recipe, model if recipes[model] == 1 else f"{model} ({recipe})", tuple(group))
        for model, recipe, group in named
    )
