"""The best k triplets of every image.

Evaluations that allow 100 triplets per image let every model choose them; how it does, and what happens to equal
scores, is part of the published figures.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.ops.ordering import falling_order


def top_k_rows(image: NDArray[np.integer], score: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Rows of the `k` best scores of every image, ascending; of equal scores the earlier row stays.

    Args:
        image: (N,) image index of each row, in any order.
        score: (N,).

    Raises:
        InputError: `k` is negative.
    """
    if k < 0:
        raise InputError(f"top-k must be 0 or more, got {k}")
    order = falling_order(image, score)
    ordered = image[order]
    new = np.flatnonzero(np.append(True, ordered[1:] != ordered[:-1])) if len(order) else order
    rank = np.arange(len(order)) - np.repeat(new, np.diff(np.append(new, len(order))))
    return np.sort(order[rank < k])
