"""COCO's 17 body keypoints: names, mirror images, and the bones between them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

KEYPOINT_NAMES = (
    "nose", "left eye", "right eye", "left ear", "right ear", "left shoulder", "right shoulder", "left elbow",
    "right elbow", "left wrist", "right wrist", "left hip", "right hip", "left knee", "right knee", "left ankle",
    "right ankle",
)  # fmt: skip
"""In COCO's order; left and right are the person's own."""

MIRRORED = (0, 2, 1, 4, 3, 6, 5, 8, 7, 10, 9, 12, 11, 14, 13, 16, 15)
"""For each keypoint, which one it becomes when the picture is mirrored."""

BONES = (
    (15, 13), (13, 11), (16, 14), (14, 12), (11, 12), (5, 11), (6, 12), (5, 6), (5, 7), (7, 9), (6, 8), (8, 10),
    (0, 1), (0, 2), (1, 3), (2, 4),
)  # fmt: skip
"""Pairs of keypoints that a skeleton joins: legs, trunk, arms, face."""


def mirror_keypoints(keypoints: NDArray[np.floating], width: float) -> NDArray[np.floating]:
    """Keypoints (N, 17, 3) in the picture with left and right exchanged, whose width is given in pixels.

    Those without label, score or visibility (0, 0, 0), stay so.
    """
    mirrored = keypoints[:, MIRRORED].copy()
    mirrored[..., 0] = np.where(mirrored.any(-1), width - mirrored[..., 0], 0)
    return mirrored
