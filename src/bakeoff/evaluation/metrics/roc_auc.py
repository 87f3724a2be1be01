"""Area under the ROC curve."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import softmax

from bakeoff.evaluation.metrics import metric


@metric("roc_auc", better="higher")
def roc_auc(logits: NDArray[np.float32], labels: NDArray[np.int64]) -> float:
    """Mean over the classes of the area under one-versus-rest ROC curves; nan where a class has no image."""
    from sklearn.metrics import roc_auc_score

    if len(np.unique(labels)) < logits.shape[1] or not np.isfinite(logits).all():
        return float("nan")
    probabilities = softmax(logits.astype(np.float64), axis=1)
    return float(np.mean([roc_auc_score(labels == k, probabilities[:, k]) for k in range(logits.shape[1])]))
