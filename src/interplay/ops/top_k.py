"""The best k triplets of an image: on finished triplets, and from a query detector's dense head outputs.

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


def select_triplets(
    hoi_score: NDArray[np.floating],
    object_score: NDArray[np.floating],
    class_object: NDArray[np.integer],
    k: int = 100,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """GEN-VLKT's rule: the k best of ``hoi_score[q, c] + object_score[q, object of c] ** 2`` in float32.

    Its code finds the k largest *values* and then looks each value up by its first position, so a value that occurs
    n times among them gives n copies of one (query, class). That is kept here.

    Args:
        hoi_score: (..., Q, C) probabilities of the interaction classes.
        object_score: (..., Q, O) probabilities of the objects.
        class_object: (C,) object of each class.

    Returns:
        query, class and score, each (..., k), best first.
    """
    score = hoi_score.astype(np.float32) + object_score.astype(np.float32)[..., class_object] ** 2
    flat = score.reshape(*score.shape[:-2], -1)
    order = _best(flat, k)
    value = np.take_along_axis(flat, order, -1)
    fresh = np.ones(value.shape, bool)
    fresh[..., 1:] = value[..., 1:] != value[..., :-1]
    # every copy points at the place where its value appeared first
    place = np.maximum.accumulate(np.where(fresh, np.arange(value.shape[-1]), 0), axis=-1)
    chosen = np.take_along_axis(order, place, -1)
    return chosen // score.shape[-1], chosen % score.shape[-1], value


def select_verbs(
    verb_score: NDArray[np.floating],
    object_label: NDArray[np.integer],
    valid: NDArray,
    k: int = 100,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """QPIC's and CDN's rule: scores of impossible (verb, object) pairs become 0, then the k best.

    Zeros fill the quota when there is nothing better, and are evaluated. Equal scores: the earlier query first, then
    the earlier verb.

    Args:
        verb_score: (..., Q, V), already multiplied with the object's score where the model does that.
        object_label: (..., Q) category of each query's object.
        valid: (V, O) which pairs are classes; a label of -1 reads the last column.

    Returns:
        query, verb and score, each (..., k), best first.
    """
    possible = np.moveaxis(np.asarray(valid, np.float64)[:, object_label], 0, -1)
    score = verb_score.astype(np.float64) * possible
    flat = score.reshape(*score.shape[:-2], -1)
    chosen = _best(flat, k)
    return chosen // score.shape[-1], chosen % score.shape[-1], np.take_along_axis(flat, chosen, -1)


def _best(flat: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    """Positions of the k largest along the last axis, largest first, earlier ones first among equals."""
    return np.argsort(-flat, axis=-1, kind="stable")[..., :k]
