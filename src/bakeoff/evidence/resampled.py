"""Two models over K-fold cross-validation or repeated splits, whose training sets overlap."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike
from scipy import special

from bakeoff.evidence.precision import LUCK
from bakeoff.evidence.scores import EvidenceError


@dataclass(frozen=True)
class ResampledDifference:
    """The mean difference over splits: its interval, the p-value of no difference, and what they rest on."""

    difference: float
    low: float
    high: float
    level: float
    p_value: float
    statistic: float
    df: int
    standard_error: float


def corrected_resampled(
    differences: ArrayLike,
    train_size: int,
    test_size: int,
    level: float = 0.95,
    least: float = 0.0,
) -> ResampledDifference:
    """Return the corrected resampled t-test (Nadeau & Bengio 2003; for r x k folds Bouckaert & Frank 2004).

    Splits share training images, so their results are correlated, and a plain paired t-test finds differences that
    are not there. The correction replaces the variance's factor 1/J by 1/J + test size / train size, which takes the
    correlation to be test size / (test size + train size). It is a rule that works in simulations, not a theorem: no
    unbiased estimate exists (Bengio & Grandvalet 2004). Unlike `compare` it also speaks of other training sets.

    Args:
        differences: of the two models' scores on each of the J = r x k test parts, both trained on the same part.
        train_size: images that each pair of models was trained on.
        test_size: images in each test part.
        level: of the interval.
        least: variance between splits that their choice of test images alone brings about. Splits that agree better
            than that lets 97.5 % of them agree do so by luck, and their variance is raised to that point.
    """
    values = np.asarray(differences, np.float64).ravel()
    if len(values) < 2 or not np.isfinite(values).all():
        raise EvidenceError(f"the differences of at least 2 splits are needed, all finite; got {len(values)}")
    if train_size < 1 or test_size < 1:
        raise EvidenceError(f"sizes are at least 1; got train_size={train_size} and test_size={test_size}")
    mean, df = float(values.mean()), len(values) - 1
    variance = max(float(values.var(ddof=1)), least * float(special.chdtri(df, 1 - LUCK)) / df)
    error = float(np.sqrt((1 / len(values) + test_size / train_size) * variance))
    half = float(special.stdtrit(df, (1 + level) / 2)) * error
    statistic = mean / error if error else float(np.copysign(np.inf, mean)) if mean else 0.0
    p_value = float(2 * special.stdtr(df, -abs(statistic)))
    return ResampledDifference(mean, mean - half, mean + half, level, p_value, statistic, df, error)
