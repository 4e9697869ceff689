"""Box geometry that is used everywhere: numpy arrays of ``x1, y1, x2, y2`` in pixels counted from 0."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.errors import InputError


def as_boxes(boxes: ArrayLike, name: str = "boxes") -> NDArray[np.float32]:
    """`boxes` as a contiguous float32 array of shape (N, 4); an empty input gives (0, 4).

    Raises:
        InputError: the shape is not (N, 4) or a value is not a number.
    """
    try:
        array = np.ascontiguousarray(boxes, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(f"{name} must be numbers of shape (N, 4): {error}") from None
    if array.size == 0:
        return array.reshape(0, 4)
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError(f"{name} must have shape (N, 4) as x1, y1, x2, y2, got {array.shape}")
    return array


def box_area(boxes: NDArray[np.floating], inclusive: bool = False) -> NDArray[np.floating]:
    """Areas (N,) in pixels; `inclusive` counts the last pixel too (sides ``x2 - x1 + 1``)."""
    extra = 1.0 if inclusive else 0.0
    width = np.maximum(boxes[:, 2] - boxes[:, 0] + extra, 0)
    height = np.maximum(boxes[:, 3] - boxes[:, 1] + extra, 0)
    return width * height


def box_iou(first: NDArray[np.floating], second: NDArray[np.floating], inclusive: bool = False) -> NDArray[np.float64]:
    """Intersection over union of every box of `first` (N, 4) with every box of `second` (M, 4): (N, M) in 0..1.

    Args:
        inclusive: whether coordinates are indices of pixels that belong to the box (sides ``x2 - x1 + 1``), as
            in HICO-DET's and V-COCO's official evaluations.
    """
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    extra = 1.0 if inclusive else 0.0
    top_left = np.maximum(a[:, None, :2], b[None, :, :2])
    bottom_right = np.minimum(a[:, None, 2:], b[None, :, 2:])
    sides = np.maximum(bottom_right - top_left + extra, 0)
    intersection = sides[..., 0] * sides[..., 1]
    union = box_area(a, inclusive)[:, None] + box_area(b, inclusive)[None, :] - intersection
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=union > 0)


def covered_share(first: NDArray[np.floating], second: NDArray[np.floating]) -> NDArray[np.float64]:
    """How much of every box of `first` (N, 4) lies inside every box of `second` (M, 4): (N, M) in 0..1."""
    a, b = np.asarray(first, np.float64), np.asarray(second, np.float64)
    sides = np.minimum(a[:, None, 2:], b[None, :, 2:]) - np.maximum(a[:, None, :2], b[None, :, :2])
    intersection, area = np.maximum(sides, 0).prod(-1), box_area(a)[:, None]
    return np.divide(intersection, area, out=np.zeros_like(intersection), where=area > 0)


def xywh_to_xyxy(boxes: NDArray[np.floating]) -> NDArray[np.floating]:
    """COCO's corner + size boxes (N, 4) to corners."""
    return np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1)


def clip_boxes(boxes: NDArray[np.floating], width: float, height: float) -> NDArray[np.floating]:
    """Boxes (N, 4) cut to an image of `width` x `height` pixels."""
    limits = np.array([width, height, width, height], dtype=boxes.dtype)
    return np.clip(boxes, 0, limits)


SAME_OBJECT = 0.7
"""Boxes of one class that overlap by more than this are one person or object."""


def distinct_boxes(
    boxes: NDArray[np.float32],
    labels: NDArray[np.int64],
    scores: NDArray[np.float32],
    overlap: float,
) -> NDArray[np.int64]:
    """(N,) for each box the row of the most confident box of its class that shows the same thing.

    The rows that occur are those that non-maximum suppression keeps.

    Args:
        boxes, labels, scores: (N, 4), (N,), (N,); of equal scores the first box stands for the others.
        overlap: IoU above which two boxes show the same thing.
    """
    first = np.full(len(boxes), -1)
    alike = (box_iou(boxes, boxes) > overlap) & (labels[:, None] == labels)
    for row in np.argsort(-scores, kind="stable"):
        if first[row] < 0:
            first[alike[row] & (first < 0)] = row
            first[row] = row
    return first


def voted_boxes(
    boxes: NDArray[np.float32],
    labels: NDArray[np.int64],
    voters: NDArray[np.float32],
    voter_labels: NDArray[np.int64],
    scores: NDArray[np.float32],
    overlap: float,
) -> NDArray[np.float32]:
    """(N, 4): each box becomes the mean, weighted by score, of the voters of its class that show the same thing.

    A detector guesses one thing many times, and the mean is nearer to it than the surest guess is. Gidaris and
    Komodakis, "Object detection via a multi-region and semantic segmentation-aware CNN model", ICCV 2015, section 3.2;
    here each voter has one vote.

    Args:
        boxes, labels: (N, 4) and (N,) what suppression left, the surest first.
        voters, voter_labels, scores: (M, 4), (M,), (M,) everything that was found.
        overlap: least IoU of a voter with its box, the first one that it overlaps so. Where a box has none, it stays.
    """
    alike = (box_iou(boxes, voters) >= overlap) & (labels[:, None] == voter_labels)
    weight = alike * (alike.cumsum(0) == 1) * scores
    total = weight.sum(1, keepdims=True)
    return np.where(total > 0, weight @ voters / np.maximum(total, 1e-12), boxes).astype(np.float32)


def match_boxes(
    first: NDArray[np.floating], second: NDArray[np.floating], min_iou: NDArray[np.floating]
) -> Iterator[tuple[int, int]]:
    """Pairs (index into first, index into second) of boxes, each box once, the best overlaps first.

    Args:
        first, second: (N, 4) and (M, 4).
        min_iou: (M,) least overlap with each box of `second`.
    """
    overlap = box_iou(first, second)
    rows, columns = np.nonzero(overlap >= min_iou)
    order = np.argsort(-overlap[rows, columns], kind="stable")
    taken: tuple[set[int], set[int]] = (set(), set())
    for i, j in zip(rows[order].tolist(), columns[order].tolist(), strict=True):
        if i not in taken[0] and j not in taken[1]:
            yield i, j
            taken[0].add(i)
            taken[1].add(j)
