"""Where the variance comes from: seeds, images, and what only both together explain.

The model. Score y[s, i] of training seed s on test image i = mean + seed[s] + image[i] + rest[s, i]: crossed random
effects, seeds and images both drawn at random, without replication (McCullagh 2000; Owen 2007). `rest` holds what
a network gets wrong by chance of its seed, image by image. Nothing is assumed of the distribution of `image` and
`rest`, which are averaged over many images; `seed` is averaged over few runs and is taken to be roughly normal.
"""

from dataclasses import dataclass

import numpy as np

from bakeoff.evidence.scores import FloatArray


@dataclass(frozen=True, eq=False)
class Components:
    """The sums that every interval and test here is made of, for one model.

    Attributes:
        runs: mean score of each run, shape (S,).
        images: mean score of each image over the runs, shape (N,).
        residual: variance of `rest` in one run on one image, from (S - 1)(N - 1) degrees of freedom; 0 for one run,
            where it cannot be told from the variance over images.
        binary: whether every score is 0 or 1.
    """

    runs: FloatArray
    images: FloatArray
    residual: float
    binary: bool

    @property
    def mean(self) -> float:
        """The mean over runs and images."""
        return float(self.runs.mean())

    @property
    def seeds(self) -> int:
        """The number of runs."""
        return len(self.runs)

    @property
    def size(self) -> int:
        """The number of images."""
        return len(self.images)

    @property
    def run_variance(self) -> float:
        """Variance between the means of runs on these images: that of `seed`, and 1/N of that of `rest`."""
        return float(self.runs.var(ddof=1)) if self.seeds > 1 else float("nan")

    @property
    def seed_variance(self) -> float:
        """Unbiased variance of `seed`: of runs on all images that there could be. Below 0 when chance has it so."""
        return self.run_variance - self.residual / self.size

    @property
    def image_variance(self) -> float:
        """Unbiased variance of `image`: of what all runs together score. Below 0 when chance has it so."""
        return float(self.images.var(ddof=1)) - self.residual / self.seeds

    @property
    def settled(self) -> bool:
        """Whether every run scored every image alike, so that the seed made no difference."""
        return self.residual == 0 and bool(np.ptp(self.runs) == 0)


def components(scores: FloatArray) -> Components:
    """Return the components of scores of shape (runs, images), by the analysis of variance (Searle et al. 1992)."""
    runs, images = scores.mean(axis=1), scores.mean(axis=0)
    within = scores - images
    # The rounding of the means is not a difference between runs.
    within[np.abs(within) < 1e-12 * max(1.0, float(np.abs(scores).max()))] = 0
    freedom = (len(runs) - 1) * (len(images) - 1)
    rest = within - within.mean(axis=1, keepdims=True)
    residual = float((rest**2).sum()) / freedom if freedom and within.any() else 0.0
    binary = bool(((scores == 0) | (scores == 1)).all())
    return Components(runs, images, residual, binary)
