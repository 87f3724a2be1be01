"""From scores to a verdict: every model estimated, every pair compared, and who is tied with whom."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Literal

from numpy.typing import ArrayLike

from bakeoff.evidence.compare import Comparison, compare
from bakeoff.evidence.components import components
from bakeoff.evidence.estimate import Estimate, estimate
from bakeoff.evidence.holm import holm
from bakeoff.evidence.letters import compact_letters
from bakeoff.evidence.scores import checked


@dataclass(frozen=True)
class Verdict:
    """The evidence of a whole comparison.

    Attributes:
        estimates: of every model, the best mean first.
        comparisons: of every pair, the better mean first; their adjusted p-values are Holm's over all pairs with one.
        letters: of every model; models that share a letter cannot be told apart. A model that ran once among models
            that ran more often has none: it is not compared with them.
        best: the models that cannot be told from the one with the best mean, which comes first; of those with letters.
        level: of the intervals, and 1 - alpha of the decisions.
        images: number of test images.
        notes: what must be known to read the rest, in sentences.
        folds: of a cross-validation; 0 for runs that were judged on one test set.
    """

    estimates: tuple[Estimate, ...]
    comparisons: tuple[Comparison, ...]
    letters: Mapping[str, str]
    best: tuple[str, ...]
    level: float
    images: int
    notes: tuple[str, ...]
    folds: int = 0

    def comparison(self, one: str, other: str) -> Comparison:
        """Return the comparison of two models, in the verdict's order; `KeyError` where there is none."""
        for found in self.comparisons:
            if {found.first, found.second} == {one, other}:
                return found
        raise KeyError(f"{one!r} and {other!r} were not compared")

    def only(self, names: Collection[str]) -> "Verdict":
        """Return the verdict on some of the models alone, for which fewer p-values are corrected."""
        found = [pair for pair in self.comparisons if {pair.first, pair.second} <= {*names}]
        verdict = _concluded([one for one in self.estimates if one.name in names], found, self.level, self.images)
        if not self.folds:
            return verdict
        # What is said of folds stays true; only the number of tests is another one.
        kept = [note for note in self.notes if note not in corrected_for(_tests(self.comparisons))]
        notes = (*kept[:1], *corrected_for(_tests(found)), *kept[1:])
        return replace(verdict, folds=self.folds, notes=notes)


def judge(
    scores: Mapping[str, ArrayLike],
    *,
    better: Literal["higher", "lower"] = "higher",
    level: float = 0.95,
) -> Verdict:
    """Judge models by their scores on the same test images.

    Args:
        scores: for each model an array (runs, images): 0 or 1 for wrong or right, or any number per image, such as a
            negative log-likelihood. Column i is the same test image throughout; runs of different models are
            independent. For figures that are not means over images see `bakeoff.evidence.jackknife`.
        better: which scores are better.
        level: of the intervals; 1 - level is the error allowed in all decisions together.

    Raises:
        EvidenceError: scores that cannot be compared, with the model and what is wrong.
    """
    parts = {name: components(array) for name, array in checked(scores).items()}
    sign = -1 if better == "higher" else 1
    ranked = sorted(parts, key=lambda name: (sign * parts[name].mean, name))
    found = [compare(one, other, parts[one], parts[other], level) for one, other in combinations(ranked, 2)]
    return _concluded([estimate(name, parts[name], level) for name in ranked], found, level, parts[ranked[0]].size)


def _concluded(estimates: list[Estimate], found: list[Comparison], level: float, images: int) -> Verdict:
    """Return what estimates, the best mean first, and the comparisons of all pairs of them come to."""
    ranked, found = [one.name for one in estimates], adjusted(found)
    tested = [one.name for one in estimates if one.seeds > 1] or ranked
    different = [
        (pair.first, pair.second) for pair in found if pair.different and {pair.first, pair.second} <= {*tested}
    ]
    letters = compact_letters(tested, different)
    return Verdict(
        tuple(estimates),
        tuple(found),
        {name: letters.get(name, "") for name in ranked},
        tuple(name for name in tested if (tested[0], name) not in different),
        level,
        images,
        _notes(estimates, found),
    )


def adjusted(found: list[Comparison]) -> list[Comparison]:
    """Return comparisons with p-values that are corrected by Holm's method over all of them."""
    values = iter(holm([pair.p_value for pair in found if pair.p_value is not None]))
    return [pair if pair.p_value is None else replace(pair, adjusted=next(values)) for pair in found]


def _notes(estimates: list[Estimate], found: list[Comparison]) -> tuple[str, ...]:
    counts = {one.seeds for one in estimates}
    single = [one.name for one in estimates if one.seeds == 1]
    notes = []
    if len(estimates) == 1 and single:
        notes.append(
            f"{single[0]} ran once, so nothing is said of the procedure: the interval is about this trained network on"
            " new images, and another seed could move the score."
        )
    elif counts == {1}:
        notes.append(
            "Every model ran once, so nothing is said of the procedures: intervals and p-values are about these"
            " trained networks on new images, and another seed could change the order."
        )
    elif single:
        notes.append(
            f"{', '.join(single)} ran once: the interval is that of one trained network, and it is not compared with"
            " models that ran more often, because one run does not tell how far another seed would move the score."
        )
    if 2 in counts:
        notes.append("Two runs tell little of the spread over seeds, which makes intervals wide; three tell much more.")
    notes += corrected_for(_tests(found))
    if counts != {1}:
        notes.append(
            "Intervals are for training with new seeds and judging on new images of the same kind; the training images"
            " and the settings stay as they are."
        )
    return tuple(notes)


def _tests(found: Iterable[Comparison]) -> int:
    return sum(pair.p_value is not None for pair in found)


def corrected_for(tests: int) -> list[str]:
    """Return the note on the correction of so many comparisons; nothing where there is nothing to correct."""
    return [
        f"P-values are corrected by Holm's method for {tests} comparisons; intervals are not, and each holds for its"
        " own pair alone."
    ] * (tests > 1)
