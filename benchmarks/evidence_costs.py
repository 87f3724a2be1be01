"""How often the test of costs calls a difference between models of equal cost, where their spreads differ much.

Costs of two models, and of four in two groups, by simulation: their spreads are as 1 : 1, 1 : 3, 1 : 10, or one of the
two never varies. The null hypothesis is that of the product, equal geometric means. Lognormal costs have it where their
medians are equal; of normal ones the means are equal, which is nearly the same where they spread by a fifth or less.
"""

import zlib
from collections.abc import Callable
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from bakeoff.evidence.costs import welch
from bakeoff.evidence.precision import Precision, precision

Array = NDArray[np.float64]
SPREADS = {"1 : 1": (0.02, 0.02), "1 : 3": (0.02, 0.06), "1 : 10": (0.02, 0.2), "0 : 1": (0.0, 0.02)}
RUNS = ((2, 2), (3, 3), (5, 5), (10, 10), (2, 3), (2, 10), (3, 5), (3, 10))
SHAPES = ("lognormal", "normal")


def as_accuracies(run: Array, runs: tuple[int, int]) -> Precision:
    """Return the precision that differences of accuracies have, and costs had before."""
    return precision(run, np.zeros_like(run), runs)


def plain(run: Array, runs: tuple[int, int]) -> Precision:
    """Return that of Welch's test as it is."""
    freedom = np.array(runs)[:, None] - 1
    return Precision(run.sum(axis=0), run.sum(axis=0) ** 2 / (run**2 / freedom).sum(axis=0))


METHODS: dict[str, Callable[[Array, tuple[int, int]], Precision]] = {
    "costs, as here": welch,
    "Welch, as it is": plain,
    "as accuracies": as_accuracies,
}


def costs(repetitions: int = 20_000) -> list[dict]:
    """Return how often each method calls a difference, and how often its 95 % interval holds the ratio."""
    return [
        row
        for shape in SHAPES
        for spread in SPREADS
        for runs in RUNS
        for turned in {runs, runs[::-1]}
        for row in _of_costs(shape, spread, turned, repetitions)
    ]


def _of_costs(shape: str, spread: str, runs: tuple[int, int], repetitions: int) -> list[dict]:
    """Measure two models of these runs, and four of which two are like either; all methods on the same draws."""
    rng = np.random.default_rng(zlib.crc32(f"{shape} {spread} {runs}".encode()))
    models = [_drawn(shape, SPREADS[spread][model % 2], runs[model % 2], repetitions, rng) for model in range(4)]
    rows = []
    for name, method in METHODS.items():
        if method is plain and runs[0] == runs[1]:  # the product's own
            continue
        pairs = [(0, 1)] + [pair for pair in combinations(range(4), 2) if pair != (0, 1)]
        # Two costs that never vary have an exact ratio, and no test.
        tested = [pair for pair in pairs if any(SPREADS[spread][model % 2] for model in pair)]
        found = [_judged(method, models[one], models[other]) for one, other in tested]
        p_values = np.array([p for p, _ in found])
        rows.append(
            {"method": name, "shape": shape, "spread": spread, "runs": runs, "repetitions": repetitions}
            | {"called": float((p_values[0] <= 0.05).mean()), "holds": float(found[0][1].mean())}
            # The least p-value of Holm's method is the least of all, times their number.
            | {"called_of_four": float((p_values.min(axis=0) * len(tested) <= 0.05).mean())}
        )
    return rows


def _drawn(shape: str, spread: float, runs: int, repetitions: int, rng: np.random.Generator) -> Array:
    """Return the logarithms of the costs of one model, shape (runs, repetitions)."""
    chance = spread * rng.standard_normal((runs, repetitions))
    return chance if shape == "lognormal" else np.log(np.maximum(1 + chance, 0.1))  # no cost is below 0


def _judged(method: Callable[[Array, tuple[int, int]], Precision], a: Array, b: Array) -> tuple[Array, Array]:
    """Return the p-value of every repetition, and whether the interval holds the ratio of 1."""
    run = np.stack([logs.var(axis=0, ddof=1) / len(logs) for logs in (a, b)])
    known, difference = method(run, (len(a), len(b))), a.mean(axis=0) - b.mean(axis=0)
    return known.p_value(difference), np.abs(difference) <= known.half_width(0.95)
