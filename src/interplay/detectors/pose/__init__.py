"""The 17 COCO keypoints of people whose boxes are known: one file per estimator, all with the same call.

Example:
    >>> from interplay import load_detector, load_pose_estimator, read_image
    >>> from interplay.detectors.pose import add_poses
    >>> image = read_image("photo.jpg")                                           # doctest: +SKIP
    >>> [found] = load_detector()([image])                                        # doctest: +SKIP
    >>> found = add_poses(found, image, load_pose_estimator())                    # doctest: +SKIP
    >>> found.keypoints.shape                                                     # doctest: +SKIP
    (5, 17, 3)
"""

from interplay.detectors.pose.estimator import PoseEstimator, add_poses, as_annotated, people_poses
from interplay.detectors.pose.load import (
    DEFAULT_POSE_ESTIMATOR,
    list_pose_estimators,
    load_pose_estimator,
)
from interplay.keypoints import BONES, KEYPOINT_NAMES, MIRRORED

__all__ = [
    "BONES",
    "DEFAULT_POSE_ESTIMATOR",
    "KEYPOINT_NAMES",
    "MIRRORED",
    "PoseEstimator",
    "add_poses",
    "as_annotated",
    "list_pose_estimators",
    "load_pose_estimator",
    "people_poses",
]
