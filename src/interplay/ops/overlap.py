"""Intersection over union of aligned boxes, in the four ways that published evaluators count pixels."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

BoxRule = Literal["inclusive", "inclusive-open", "inclusive-open-epsilon", "continuous"]
"""How a box's extent is counted.

``inclusive``
    Coordinates are indices of pixels that belong to the box: sides are ``x2 - x1 + 1`` (HICO-DET's and V-COCO's
    official code).
``inclusive-open``
    The same areas, but an intersection only one pixel wide or high counts as empty (QPIC, CDN, GEN-VLKT, PPDM).
``inclusive-open-epsilon``
    As ``inclusive-open`` with 1e-6 added to the union, and no area for a box only one pixel wide or high (GGNet).
``continuous``
    Coordinates are edges: sides are ``x2 - x1`` (TIN-PAMI).
"""


def aligned_iou(
    first: NDArray[np.floating],
    second: NDArray[np.floating],
    rule: BoxRule = "inclusive",
    dtype: type[np.floating] = np.float64,
) -> NDArray[np.floating]:
    """Intersection over union of row i of `first` (N, 4) with row i of `second` (N, 4): (N,), 0..1.

    A box without extent overlaps nothing, and neither does a row with NaN.

    Args:
        dtype: precision of the arithmetic; V-COCO's official code works in float32.

    Example:
        >>> aligned_iou(np.array([[0, 0, 9, 9]]), np.array([[5, 0, 14, 9]]))
        array([0.33333333])
    """
    a, b = np.asarray(first, dtype), np.asarray(second, dtype)
    extra = dtype(0.0 if rule == "continuous" else 1.0)
    width = np.minimum(a[:, 2], b[:, 2]) - np.maximum(a[:, 0], b[:, 0])
    height = np.minimum(a[:, 3], b[:, 3]) - np.maximum(a[:, 1], b[:, 1])
    least = -extra if rule == "inclusive" else 0.0
    touching = (width > least) & (height > least)
    intersection = np.where(touching, (width + extra) * (height + extra), dtype(0.0))
    union = _area(a, extra) + _area(b, extra) - intersection
    if rule == "inclusive-open-epsilon":
        union = union + 1e-6
    return np.divide(intersection, union, out=np.zeros_like(intersection), where=touching & (union > 0))


def _area(boxes: NDArray[np.floating], extra: np.floating) -> NDArray[np.floating]:
    return (boxes[:, 2] - boxes[:, 0] + extra) * (boxes[:, 3] - boxes[:, 1] + extra)
