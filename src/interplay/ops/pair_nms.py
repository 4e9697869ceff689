"""Pair non-maximum suppression: near-copies of a better pair of the same class are removed (CDN, NeurIPS 2021).

Applied after the top-k cut where both are used. Without a loop over images or detections: the pairs that suppress
one another form a graph over all images, and it is settled in rounds.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError
from interplay.ops.ordering import falling_order
from interplay.ops.overlap import aligned_iou

_BLOCK = 500_000


def pair_nms(
    image: NDArray[np.integer],
    label: NDArray[np.integer],
    human: NDArray[np.floating],
    object: NDArray[np.floating],
    score: NDArray[np.floating],
    threshold: float = 0.7,
    alpha: float = 1.0,
    beta: float = 0.5,
) -> NDArray[np.int64]:
    """Rows that survive: greedy by falling score inside every (image, class); of equal scores the later row first.

    The overlap of two pairs is ``IoU(human) ** alpha * IoU(object) ** beta`` with inclusive pixels; a pair goes when
    its overlap with a surviving better one is *above* `threshold`. Two pairs without object compare people alone.

    Args:
        image, label: (N,) image and class of each pair.
        human, object: (N, 4) x1, y1, x2, y2; `object` NaN where there is none.
        score: (N,).
        threshold, alpha, beta: published values are 0.7, 1, 0.5.

    Returns:
        Row numbers in output order: images in order, classes of an image by first appearance, falling score.

    Raises:
        InputError: a negative exponent or threshold.

    Example:
        >>> box = np.array([[0, 0, 9, 9], [0, 0, 9, 8], [40, 40, 60, 60]])
        >>> pair_nms(np.zeros(3, int), np.zeros(3, int), box, box, np.array([0.8, 0.9, 0.1])).tolist()
        [1, 2]
    """
    if min(threshold, alpha, beta) < 0:
        raise InputError(f"threshold, alpha and beta must be 0 or more, got {threshold}, {alpha}, {beta}")
    if not len(image):
        return np.zeros(0, np.int64)
    group = _groups(image, label)
    order = falling_order(group, score, ties="last")
    better, worse = [], []
    for left, right in _pairs_inside(group[order]):
        a, b = order[left], order[right]
        people = aligned_iou(human[a], human[b])
        objects = aligned_iou(object[a], object[b])
        objects = np.where(np.isnan(object[a, 0]) & np.isnan(object[b, 0]), 1.0, objects)
        close = people**alpha * objects**beta > threshold
        better.append(left[close])
        worse.append(right[close])
    survives = _settle(np.concatenate(better), np.concatenate(worse), len(order))
    return order[survives]


def _groups(image: NDArray[np.integer], label: NDArray[np.integer]) -> NDArray[np.int64]:
    """(N,) number of each row's (image, class), counted by image and then by first appearance in it."""
    key = image.astype(np.int64) * (int(label.max()) + 1) + label
    _, first, inverse = np.unique(key, return_index=True, return_inverse=True)
    number = np.empty(len(first), np.int64)
    number[np.lexsort((first, image[first]))] = np.arange(len(first))
    return number[inverse]


def _pairs_inside(group: NDArray[np.int64]) -> list[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Blocks of (earlier, later) places in the same group, for places sorted by group."""
    n = len(group)
    end = np.searchsorted(group, group, side="right")
    counts = end - np.arange(n) - 1
    total = np.cumsum(counts)
    cuts = np.searchsorted(total, np.arange(_BLOCK, total[-1], _BLOCK))
    blocks = []
    for places in np.split(np.arange(n), cuts):
        count = counts[places]
        left = np.repeat(places, count)
        blocks.append((left, left + 1 + np.arange(len(left)) - np.repeat(np.cumsum(count) - count, count)))
    return blocks


def _settle(better: NDArray[np.int64], worse: NDArray[np.int64], count: int) -> NDArray[np.bool_]:
    """Greedy suppression in rounds: who has no undecided better rival survives, and its rivals go."""
    survives, decided = np.zeros(count, bool), np.zeros(count, bool)
    while not decided.all():
        threatened = np.zeros(count, bool)
        threatened[worse] = True
        new = ~decided & ~threatened
        survives |= new
        decided |= new
        decided[worse[new[better]]] = True  # suppressed
        open_edges = ~decided[better] & ~decided[worse]
        better, worse = better[open_edges], worse[open_edges]
    return survives
