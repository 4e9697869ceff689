"""How the published codes choose an image's 100 triplets from dense scores, for tests on their stored outputs."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Chosen = tuple[NDArray[np.int64], NDArray[np.int64], NDArray]
"""Query, class and score, each (..., k), best first."""


def select_triplets(
    hoi_score: NDArray[np.floating], object_score: NDArray[np.floating], class_object: NDArray[np.integer], k: int = 100
) -> Chosen:
    """GEN-VLKT: the k best of ``hoi_score[q, c] + object_score[q, object of c] ** 2`` in float32.

    Its code finds the k largest *values* and then looks each value up by its first position, so a value that occurs
    n times among them gives n copies of one (query, class).

    Args:
        hoi_score: (..., Q, C) probabilities of the interaction classes.
        object_score: (..., Q, O) probabilities of the objects.
        class_object: (C,) object of each class.
    """
    score = hoi_score.astype(np.float32) + object_score.astype(np.float32)[..., class_object] ** 2
    flat = score.reshape(*score.shape[:-2], -1)
    order = _best(flat, k)
    value = np.take_along_axis(flat, order, -1)
    first = np.ones(value.shape, bool)
    first[..., 1:] = value[..., 1:] != value[..., :-1]
    # every copy points at the place where its value appeared first
    place = np.maximum.accumulate(np.where(first, np.arange(value.shape[-1]), 0), axis=-1)
    chosen = np.take_along_axis(order, place, -1)
    return chosen // score.shape[-1], chosen % score.shape[-1], value


def select_verbs(
    verb_score: NDArray[np.floating], object_label: NDArray[np.integer], valid: NDArray, k: int = 100
) -> Chosen:
    """QPIC and CDN: scores of impossible (verb, object) pairs become 0, then the k best, the earlier one of equals.

    Args:
        verb_score: (..., Q, V), already multiplied with the object's score where the model does that.
        object_label: (..., Q) category of each query's object.
        valid: (V, O) which pairs are classes; a label of -1 reads the last column.
    """
    possible = np.moveaxis(np.asarray(valid, np.float64)[:, object_label], 0, -1)
    score = verb_score.astype(np.float64) * possible
    flat = score.reshape(*score.shape[:-2], -1)
    chosen = _best(flat, k)
    return chosen // score.shape[-1], chosen % score.shape[-1], np.take_along_axis(flat, chosen, -1)


def _best(flat: NDArray[np.floating], k: int) -> NDArray[np.int64]:
    return np.argsort(-flat, axis=-1, kind="stable")[..., :k]
