"""Average precision of scored pairs of given boxes: no matching, so only the scores count."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def pair_average_precision(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> float:
    """Average precision of one class: the mean over positives of the precision at their score.

    Equal scores are one step, so their order does not matter.

    Args:
        scores: (P,) of all pairs.
        positive: (P,) whether the class holds for the pair.

    Returns:
        0..1; NaN without positives.

    Example:
        >>> pair_average_precision(np.array([0.9, 0.5, 0.1]), np.array([True, False, True]))
        0.8333333333333333
    """
    total = int(positive.sum())
    if total == 0:
        return float("nan")
    order = np.argsort(-scores, kind="stable")
    ranked = scores[order]
    last = np.append(np.flatnonzero(np.diff(ranked)), len(ranked) - 1)  # the end of each run of equal scores
    hits = np.cumsum(positive[order])[last]
    gained = np.diff(np.append(0, hits))
    return float((gained * hits / (last + 1)).sum() / total)


def mean_pair_average_precision(scores: NDArray[np.floating], positive: NDArray[np.bool_]) -> NDArray[np.float64]:
    """(K,) average precision of each column of (P, K) scores."""
    return np.array([pair_average_precision(scores[:, k], positive[:, k]) for k in range(scores.shape[1])])
