"""How near to 5 % can a test stay that never claims more than the images alone allow? A bound by linear programming.

Two equal models with equal and known-to-be-equal spreads over seeds, judged where the images' part of the variance is
all residual: the best case for any method, as one variance with 2 (S - 1) degrees of freedom is all that is estimated.
The estimate u (of variance over its least value 1, which is known) and the difference d fall into bins; a test says in
each how often it calls a difference. It may call none below the images-only limit |d| < 1.96, and calls no fewer as |d|
grows or u falls. The program finds the smallest distance from 4.5 % that holds for every true variance.
"""

import numpy as np
from scipy import optimize, sparse, special, stats

LIMIT = float(special.ndtri(0.975))
MIDDLE = 0.045  # of 3 and 6 %


def bound(seeds: int, most: float = 300.0, bins: int = 70) -> float:
    """Return the smallest possible largest distance of the size from `MIDDLE`, for so many seeds of both models."""
    freedom = 2 * (seeds - 1)
    true = 1 + np.r_[0, np.geomspace(0.03, most, 30)]
    estimate = np.r_[0, np.geomspace(5e-3, 12 * most, bins)]
    difference = np.r_[LIMIT * np.geomspace(1, 400, bins), np.inf]
    chance = np.array(
        [
            np.outer(
                np.diff(stats.chi2.cdf(freedom * estimate / variance, freedom)),
                -np.diff(2 * special.ndtr(-difference / np.sqrt(variance))),
            ).ravel()
            for variance in true
        ]
    )
    size = chance.shape[1]
    away = -np.ones((len(true), 1))
    order = np.arange(size).reshape(bins, bins)
    below = np.r_[order[1:].ravel(), order[:, :-1].ravel()]
    above = np.r_[order[:-1].ravel(), order[:, 1:].ravel()]
    rows = np.arange(len(below))
    ones = np.ones(len(below))
    monotone = sparse.csr_matrix((np.r_[ones, -ones], (np.r_[rows, rows], np.r_[below, above])), (len(below), size + 1))
    near = sparse.csr_matrix(np.vstack([np.hstack([chance, away]), np.hstack([-chance, away])]))
    found = optimize.linprog(
        np.r_[np.zeros(size), 1],
        A_ub=sparse.vstack([near, monotone]),
        b_ub=np.r_[np.full(len(true), MIDDLE), np.full(len(true), -MIDDLE), np.zeros(len(below))],
        bounds=[(0, 1)] * size + [(0, None)],
    )
    return float(found.fun)


def bounds() -> list[dict]:
    """Return the range of sizes that the best such test has, for 2, 3, 5 and 10 seeds."""
    found = {seeds: bound(seeds) for seeds in (2, 3, 5, 10)}
    return [{"seeds": seeds, "least": MIDDLE - away, "most": MIDDLE + away} for seeds, away in found.items()]
