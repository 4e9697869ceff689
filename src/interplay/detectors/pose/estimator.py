"""`PoseEstimator`: what finds the keypoints of people whose boxes are known."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.detectors.detections import Detections
from interplay.errors import InputError
from interplay.interactions import Interactions
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


def people_poses(image: Interactions, pixels: NDArray[np.uint8], estimator: PoseEstimator) -> NDArray[np.float32]:
    """(N, 17, 3) the keypoints of the people among an image's boxes; other boxes have NaN.

    Args:
        image: its boxes, labels and file name.
        pixels: (H, W, 3) uint8 RGB.
        estimator: whose poses these are.
    """
    people = np.flatnonzero(image.labels == image.vocabulary.person)
    keypoints = no_poses(len(image.boxes))
    if len(people):
        keypoints[people] = estimator.estimate(pixels, image.boxes[people], image.file)
    return keypoints


def as_annotated(keypoints: NDArray[np.float32], width: int, height: int, min_score: float) -> NDArray[np.float32]:
    """An estimator's keypoints (N, 17, 3) in the form of annotations: visibility in place of the score.

    A keypoint in the picture that scores `min_score` or more is seen (2), any other is not labelled (0, 0, 0). A person
    without a keypoint that is seen is NaN.
    """
    x, y, score = np.moveaxis(keypoints, -1, 0)
    seen = (score >= min_score) & (x >= 0) & (y >= 0) & (x < width) & (y < height)
    labelled = np.where(seen[..., None], np.stack([x, y, np.full_like(x, 2)], -1), 0).astype(np.float32)
    return np.where(seen.any(1)[:, None, None], labelled, np.float32(np.nan))


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
