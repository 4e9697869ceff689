"""`PoseEstimator`: what finds the keypoints of people whose boxes are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.detectors.detections import Detections
from interplay.errors import InputError
from interplay.keypoints import KEYPOINT_NAMES
from interplay.ops.boxes import as_boxes, clip_boxes


class PoseEstimator(Protocol):
    """Keypoints of people in an image.

    Attributes:
        name: what `load_pose_estimator` was given.
    """

    name: str

    def estimate(self, image: NDArray[np.uint8], boxes: ArrayLike, file: str | None = None) -> NDArray[np.float32]:
        """The keypoints of each person.

        Args:
            image: (H, W, 3) uint8 RGB.
            boxes: (N, 4) people, x1, y1, x2, y2 in pixels.
            file: the image's name, which poses from a file are found by.

        Returns:
            (N, 17, 3) float32 x, y in pixels of the image and score 0..1, in the order of `KEYPOINT_NAMES`. A person
            without pose is NaN throughout. A keypoint that is hidden, or outside the picture, has a low score and a
            position that means little.

        Raises:
            InputError: image or boxes have another shape, or poses from a file are asked for without its name.
        """
        ...


def add_poses(
    detections: Detections, image: NDArray[np.uint8], estimator: PoseEstimator, file: str | None = None
) -> Detections:
    """The detections with keypoints for the people among them; other boxes have NaN."""
    people = np.flatnonzero(detections.people)
    keypoints = no_poses(len(detections))
    if len(people):
        keypoints[people] = estimator.estimate(image, detections.boxes[people], file)
    return replace(detections, keypoints=keypoints)


def no_poses(count: int) -> NDArray[np.float32]:
    """(count, 17, 3) of NaN: people whose pose is not known."""
    return np.full((count, len(KEYPOINT_NAMES), 3), np.nan, np.float32)


def checked(image: Any, boxes: ArrayLike) -> NDArray[np.float32]:
    """The boxes as (N, 4) float32, cut to the image.

    Raises:
        InputError: image or boxes have another shape, or a box is not finite.
    """
    if not isinstance(image, np.ndarray) or image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8:
        got = f"{image.dtype} {image.shape}" if isinstance(image, np.ndarray) else type(image).__name__
        raise InputError(f"image must be a uint8 array of shape (H, W, 3), got {got}")
    array = as_boxes(boxes)
    if not np.isfinite(array).all():
        raise InputError(f"boxes must be finite numbers, got {array[~np.isfinite(array).all(1)][0]}")
    height, width = image.shape[:2]
    return clip_boxes(array, width, height)
