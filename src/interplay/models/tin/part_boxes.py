"""Ten body-part boxes from 17 keypoints (TIN's extension, TPAMI 2021; the boxes of HAKE's part states).

That the published part boxes of TIN were made in this way is inferred: TIN's own code only reads them. This is the
rule of the same authors' later activity recognition code, with the same order of parts.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.errors import InputError

PARTS = (
    "right ankle", "right knee", "left knee", "left ankle", "hip",
    "head", "right hand", "right shoulder", "left shoulder", "left hand",
)  # fmt: skip

VISIBLE = 0.2
"""A joint whose score is below this is not used."""

_CENTRES = np.array([0, 1, 4, 5, 6, 9, 10, 12, 13, 15])
_SIZES = np.array([1.2, 1.0, 1.0, 1.2, 1.2, 1.2, 0.9, 1.0, 1.0, 0.9])
_PELVIS, _NECK, _THORAX, _HEAD = 6, 7, 8, 9
_DIRECT = {0: 16, 1: 14, 2: 12, 3: 11, 4: 13, 5: 15, 10: 10, 11: 8, 12: 6, 13: 5, 14: 7, 15: 9}
"""Joints that are COCO keypoints: ankle, knee, hip (right), then left, wrist, elbow, shoulder (right), then left."""

_LIMBS = (
    ((5,), (7, 8, 9), (7, 9)),
    ((6, 7), (10, 11, 12), (10, 12)),
    ((8, 9), (13, 14, 15), (13, 15)),
    ((0, 1), (0, 1, 2), (0, 2)),
    ((2, 3), (3, 4, 5), (3, 5)),
)
"""Without a trunk: parts, joints whose mean score must exceed `VISIBLE`, the two joints whose distance is the size."""


def limb_joints(keypoints: ArrayLike) -> NDArray[np.float32]:
    """COCO's keypoints (N, 17, 3) as the 16 joints (N, 16, 3) of the MPII order; scores are mixed like places.

    Pelvis and neck are the middle of the hips and shoulders, the head that of the eyes, the thorax lies a quarter
    of the way from neck to head.
    """
    points = np.asarray(keypoints, np.float32)
    if points.ndim != 3 or points.shape[1:] != (17, 3):
        raise InputError(f"keypoints must have shape (N, 17, 3) as x, y, score, got {points.shape}")
    joints = np.zeros((len(points), 16, 3), np.float32)
    for joint, keypoint in _DIRECT.items():
        joints[:, joint] = points[:, keypoint]
    joints[:, _PELVIS] = (points[:, 11] + points[:, 12]) / 2
    joints[:, _NECK] = (points[:, 5] + points[:, 6]) / 2
    joints[:, _HEAD] = (points[:, 1] + points[:, 2]) / 2
    joints[:, _THORAX] = 0.75 * joints[:, _NECK].astype(np.float64) + 0.25 * joints[:, _HEAD]
    return joints


def part_boxes(keypoints: ArrayLike, human_boxes: ArrayLike) -> NDArray[np.float32]:
    """Square boxes (N, 10, 4) x1, y1, x2, y2 around the `PARTS` of N people, not cut to the image.

    The size of a part is a multiple of the trunk's length, or of its limb's where the trunk is not visible. A part
    whose centre is not visible, or whose size is unknown, gets the person's box, as all parts do where the
    keypoints are nan.

    Args:
        keypoints: (N, 17, 3) COCO keypoints x, y, score.
        human_boxes: (N, 4).
    """
    joints = limb_joints(keypoints)
    human = np.asarray(human_boxes, np.float64).reshape(-1, 4)
    if len(human) != len(joints):
        raise InputError(f"expected as many boxes as people with keypoints, got {len(human)} and {len(joints)}")
    scores = joints[..., 2]
    trunk = (scores[:, _PELVIS] >= VISIBLE) & (scores[:, _THORAX] >= VISIBLE)
    half = _distance(joints, _PELVIS, _THORAX)[:, None] * _SIZES / 2
    half[~trunk] = np.nan
    for parts, seen, ends in _LIMBS:
        rows = ~trunk & (scores[:, list(seen)].mean(1) > VISIBLE)
        half[np.ix_(rows, parts)] = _distance(joints, *ends)[rows, None]
    centres = joints[:, _CENTRES, :2].astype(np.float64)
    boxes = np.concatenate([centres - half[..., None], centres + half[..., None]], axis=-1)
    hidden = (scores[:, _CENTRES] < VISIBLE) | np.isnan(boxes).any(-1)
    return np.where(hidden[..., None], human[:, None], boxes).astype(np.float32)


def _distance(joints: NDArray[np.float32], first: int, second: int) -> NDArray[np.float64]:
    between = joints[:, first, :2] - joints[:, second, :2]
    return np.sqrt((between.astype(np.float64) ** 2).sum(-1))
