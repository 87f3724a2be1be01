"""Networks that are right or wrong, with what is known of them."""

import numpy as np
from scipy import special


def networks(
    runs: int, images: int, rng: np.random.Generator, accuracy: float = 0.9, seed_sd: float = 0.003, difficulty=None
):
    """Return scores (runs, images) of 0 and 1: images differ in difficulty, runs in luck; see benchmarks."""
    unit = np.sqrt(5.0)
    level = special.ndtri(accuracy) * unit
    shift = seed_sd * unit / (np.exp(-(special.ndtri(accuracy) ** 2) / 2) / np.sqrt(2 * np.pi))
    difficulty = 2 * rng.standard_normal(images) if difficulty is None else difficulty
    noise = rng.standard_normal((runs, images)) + shift * rng.standard_normal((runs, 1))
    return (level + difficulty + noise > 0).astype(float)
