"""From answers over folds to a verdict, by the corrected resampled t-test."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from bakeoff.evidence.compare import EXACT, Comparison
from bakeoff.evidence.estimate import Estimate, wilson
from bakeoff.evidence.letters import compact_letters
from bakeoff.evidence.mcnemar import mcnemar, score_interval
from bakeoff.evidence.precision import Precision
from bakeoff.evidence.resampled import ResampledDifference, corrected_resampled
from bakeoff.evidence.scores import EvidenceError, FloatArray, checked
from bakeoff.evidence.verdict import Verdict, adjusted, corrected_for

METHOD = "corrected resampled t-test over folds"


@dataclass(frozen=True, eq=False)
class Folding:
    """How images were dealt into folds.

    Attributes:
        seeds: for each model the seeds of its rows of scores: one row is one pass over all images.
        folds: for each seed the fold in which each image was tested, from 1, shape (N,); the same for every model.
        train_size: images that the networks of one fold were trained and chosen on.
    """

    seeds: Mapping[str, tuple[int, ...]]
    folds: Mapping[int, NDArray[np.int64]]
    train_size: int

    @property
    def count(self) -> int:
        """The number of folds."""
        return int(next(iter(self.folds.values())).max())

    @property
    def test_size(self) -> int:
        """Images in a fold, rounded up."""
        return -(-len(next(iter(self.folds.values()))) // self.count)

    def rows(self, scores: Mapping[str, FloatArray]) -> dict[str, dict[int, FloatArray]]:
        """Return the scores of every model, shape (seeds, N), by seed."""
        return {name: dict(zip(self.seeds[name], array, strict=True)) for name, array in scores.items()}

    def means(self, row: FloatArray, seed: int) -> FloatArray:
        """Return the mean in each fold of a value per image."""
        totals = np.bincount(self.folds[seed], row)[1:]
        return np.asarray(totals / np.bincount(self.folds[seed])[1:])


def judge_folds(scores: Mapping[str, ArrayLike], folding: Folding, level: float = 0.95) -> Verdict:
    """Judge models by cross-validation, in which each image was tested once for every seed.

    A model's mean is over folds, and its interval and every pair's test use the corrected variance of Nadeau & Bengio
    (2003), for several seeds as Bouckaert & Frank (2004) do; see `corrected_resampled`. Pairs are compared fold by
    fold.

    Args:
        scores: for each model an array (seeds, images), 0 or 1 for wrong or right; column i is the same image
            throughout.
        folding: how images were dealt.
        level: of the intervals; 1 - level is the error allowed in all decisions together.

    Raises:
        EvidenceError: scores that cannot be compared, or two models without a seed in common.
    """
    rows = folding.rows(checked(scores))
    estimates = sorted(
        (_estimate(name, of, folding, level) for name, of in rows.items()), key=lambda one: (-one.mean, one.name)
    )
    ranked = [one.name for one in estimates]
    found = adjusted([compare_folds(one, other, rows, folding, level) for one, other in combinations(ranked, 2)])
    different = [(pair.first, pair.second) for pair in found if pair.different]
    return Verdict(
        tuple(estimates),
        tuple(found),
        compact_letters(ranked, different),
        tuple(name for name in ranked if (ranked[0], name) not in different),
        level,
        len(next(iter(folding.folds.values()))),
        _notes(ranked, folding, len(found)),
        folding.count,
    )


def compare_folds(
    one: str,
    other: str,
    rows: Mapping[str, Mapping[int, FloatArray]],
    folding: Folding,
    level: float = 0.95,
) -> Comparison:
    """Compare two models on the folds of the seeds that both have.

    Args:
        one: a model.
        other: another.
        rows: for each model, and each of its seeds, a score for every image, shape (N,).
        folding: how images were dealt.
        level: of the interval, and 1 - alpha of the test.

    Raises:
        EvidenceError: they have no seed in common.
    """
    common = sorted(rows[one].keys() & rows[other].keys())
    if not common:
        raise EvidenceError(f"{one} and {other} have finished all folds of no seed in common; finish more runs")
    images = [rows[one][seed] - rows[other][seed] for seed in common]
    folds = np.concatenate([folding.means(row, seed) for row, seed in zip(images, common, strict=True)])
    found = _corrected(folds, float(np.mean([row.var(ddof=1) for row in images])), folding, level)
    wins = float(np.sign(folds.round(12)).mean() + 1) / 2
    known = partial(Comparison, one, other, found.difference, wins, level)
    if not found.standard_error:  # they differ on all images alike, mostly on none, which is no certainty
        size = len(images[0])
        only = round(max(found.difference, 0) * size), round(max(-found.difference, 0) * size)
        return known(*score_interval(*only, size, level), mcnemar(*only), "procedures", EXACT)
    low, high = max(found.low, -1.0), min(found.high, 1.0)
    return known(low, high, found.p_value, "procedures", METHOD, found.standard_error, float(found.df))


def _estimate(name: str, rows: Mapping[int, FloatArray], folding: Folding, level: float) -> Estimate:
    values = np.concatenate([folding.means(row, seed) for seed, row in rows.items()])
    mean = float(values.mean())
    found = _corrected(values, mean * (1 - mean), folding, level)
    known = Precision(np.asarray(found.standard_error**2), np.asarray(float(found.df)))
    low, high = wilson(mean, len(next(iter(rows.values()))), known, level)
    spread = float(values.std(ddof=1))
    return Estimate(
        name, mean, low, high, level, "procedure", len(values), found.standard_error, known.df.item(), spread, None
    )


def _corrected(values: FloatArray, image_variance: float, folding: Folding, level: float) -> ResampledDifference:
    least = image_variance / folding.test_size
    return corrected_resampled(values, folding.train_size, folding.test_size, level, least)


def _notes(ranked: list[str], folding: Folding, tests: int) -> tuple[str, ...]:
    seeds = {seed for name in ranked for seed in folding.seeds[name]}
    fewer = [name for name in ranked if len(folding.seeds[name]) < len(seeds)]
    again = f", dealt anew for each of {len(seeds)} seeds" if len(seeds) > 1 else ""
    notes = [
        f"Every image was tested in one of {folding.count} folds{again}. Folds share training images, so that their"
        " results are alike; variances are corrected for that by a rule that holds up in simulations, since no exact"
        " one exists (Nadeau & Bengio 2003; Bouckaert & Frank 2004).",
        "Intervals are for training on other images of the same kind, as many, with new seeds; the settings stay as"
        " they are.",
    ]
    if fewer:
        notes.append(
            f"{', '.join(fewer)} lacked seeds: pairs are compared on the seeds whose folds both have finished."
        )
    return (*notes[:1], *corrected_for(tests), *notes[1:])
