"""Object keypoint similarity (OKS): how like an annotated person a pose is (Lin et al., ECCV 2014; cocodataset.org)."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.errors import InputError
from interplay.keypoints import KEYPOINT_NAMES
from interplay.ops.boxes import as_boxes

SIGMAS = np.array([26, 25, 25, 35, 35, 79, 79, 72, 72, 62, 62, 107, 107, 87, 87, 89, 89]) / 1000
"""(17,) how far annotators differ in each keypoint, relative to the square root of the person's area."""


def object_keypoint_similarity(
    poses: ArrayLike, people: ArrayLike, areas: ArrayLike, boxes: ArrayLike | None = None
) -> NDArray[np.float64]:
    """OKS of every pose with every annotated person: ``mean(exp(-d^2 / (2 area (2 sigma)^2)))`` of labelled keypoints.

    Args:
        poses: (P, 17, 2 or more) x, y in pixels. A NaN is infinitely far.
        people: (G, 17, 3) x, y and visibility; a keypoint is labelled where that is above 0.
        areas: (G,) pixels.
        boxes: (G, 4) x1, y1, x2, y2. A person without labelled keypoints is at no distance from poses in the box made
            three times as wide and high, as COCO has it; without `boxes` nothing is similar to such a person.

    Returns:
        (P, G) in 0..1.

    Raises:
        InputError: shapes that do not fit.

    Example:
        >>> import numpy as np
        >>> person = np.dstack([np.arange(17), np.arange(17), np.full(17, 2)])
        >>> object_keypoint_similarity(person, person, [100.0]).tolist()
        [[1.0]]
    """
    found = _poses(poses, "poses", 2)[..., :2]
    truth = _poses(people, "people", 3)
    area = np.asarray(areas, np.float64)
    if area.shape != (len(truth),):
        raise InputError(f"areas must have shape ({len(truth)},), one for each person, got {area.shape}")
    labelled = np.asarray(truth[..., 2] > 0)  # (G, 17)
    away = np.abs(found[:, None] - np.where(labelled[..., None], truth[..., :2], 0))  # (P, G, 17, 2)
    counted = labelled.astype(np.float64)
    unlabelled = np.asarray(~labelled.any(1))
    if boxes is not None and unlabelled.any():
        corners = as_boxes(boxes).astype(np.float64)
        sides = corners[:, 2:] - corners[:, :2]
        low, high = corners[:, :2] - sides, corners[:, 2:] + sides
        points = found[:, None]
        outside = np.maximum(0, low[:, None] - points) + np.maximum(0, points - high[:, None])
        away = np.where(unlabelled[:, None, None], outside, away)
        counted = np.where(unlabelled[:, None], 1.0, counted)
    squared = np.nan_to_num((away**2).sum(-1), nan=np.inf)
    spread = 2 * (area[:, None] + np.spacing(1)) * (2 * SIGMAS) ** 2
    similar = np.exp(-squared / spread) * counted
    total = counted.sum(-1)
    return np.divide(similar.sum(-1), total, out=np.zeros(similar.shape[:2]), where=total > 0)


def _poses(values: ArrayLike, name: str, least: int) -> NDArray[np.float64]:
    """An array (N, 17, `least` or more) of float64."""
    array = np.asarray(values, np.float64)
    if array.size == 0:
        return np.zeros((0, len(KEYPOINT_NAMES), least))
    if array.ndim != 3 or array.shape[1] != len(KEYPOINT_NAMES) or array.shape[2] < least:
        raise InputError(f"{name} must have shape (N, {len(KEYPOINT_NAMES)}, {least} or more), got {array.shape}")
    return array
