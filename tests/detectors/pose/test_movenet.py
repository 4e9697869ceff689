from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from interplay import load_annotations, load_pose_estimator, read_image
from interplay.detectors import Detections
from interplay.detectors.pose import KEYPOINT_NAMES, MIRRORED, PoseEstimator, add_poses
from interplay.errors import InputError, MissingExtraError
from interplay.samples import sample_path

PLAYER = np.array([[362, 12, 752, 606]], np.float32)
NOSE, SHOULDERS, HIPS, ANKLES = [0], [5, 6], [11, 12], [15, 16]


def test_the_sample_picture(movenet: PoseEstimator) -> None:
    """From head to feet in order, and left and right not mixed up: the player faces the camera."""
    image = read_image(sample_path())
    [pose] = movenet.estimate(image, PLAYER)
    assert pose.shape == (17, 3)
    assert pose[:, 2].mean() > 0.4
    heights = [pose[part, 1].mean() for part in (NOSE, SHOULDERS, HIPS, ANKLES)]
    assert heights == sorted(heights)
    for left, right in (SHOULDERS, HIPS, ANKLES):
        assert pose[left, 0] > pose[right, 0] + 20
    x1, y1, x2, y2 = PLAYER[0]
    assert ((pose[:, 0] > x1) & (pose[:, 0] < x2) & (pose[:, 1] > y1) & (pose[:, 1] < y2)).all()


def mirrored(movenet: PoseEstimator, image: np.ndarray, boxes: np.ndarray) -> np.ndarray:
    """The poses found in the mirrored image, turned back."""
    width = image.shape[1]
    poses = movenet.estimate(np.ascontiguousarray(image[:, ::-1]), np.array([width, 0, width, 0])
                             + boxes[:, [2, 1, 0, 3]] * np.array([-1, 1, -1, 1]))  # fmt: skip
    poses = poses[:, list(MIRRORED)]
    poses[..., 0] = width - poses[..., 0]
    return poses


def test_people_on_photographs(movenet: PoseEstimator, data: Path) -> None:
    """Without annotated keypoints: most people have a pose, upright, within their box, and the same when mirrored."""
    same, within, upright, people = [], [], [], []
    for annotated in load_annotations("v-coco", data / "photos" / "annotations.json"):
        image = read_image(data / "photos" / str(annotated.file))
        if max(image.shape) > 640:  # COCO has none so large: another photograph under a COCO name
            continue
        boxes = annotated.boxes[(annotated.labels == 0) & (np.diff(annotated.boxes[:, 1::2])[:, 0] > 60)]
        size = (boxes[:, 2:] - boxes[:, :2]).max(1)
        poses, again = movenet.estimate(image, boxes), mirrored(movenet, image, boxes)
        for box, pose, other, side in zip(boxes, poses, again, size, strict=True):
            people.append(np.isfinite(pose).all())
            seen = pose[:, 2] >= 0.3
            if not people[-1] or not np.isfinite(other).all():
                continue
            same += (np.linalg.norm(pose[seen, :2] - other[seen, :2], axis=1) < 0.1 * side).tolist()
            low, high = box[:2] - 0.1 * side, box[2:] + 0.1 * side
            within += ((pose[seen, :2] > low) & (pose[seen, :2] < high)).all(1).tolist()
            if seen[NOSE].all() and seen[HIPS].any():
                upright.append(pose[0, 1] < pose[HIPS, 1].max())
    assert len(people) >= 20
    assert np.mean(people) > 0.8
    assert np.mean(same) > 0.85
    assert np.mean(within) > 0.9
    assert np.mean(upright) > 0.95


def test_nobody_to_be_seen_has_no_pose(movenet: PoseEstimator) -> None:
    grey = np.full((100, 80, 3), 127, np.uint8)
    poses = movenet.estimate(grey, [[0, 0, 80, 100], [10, 10, 10, 10], [-50, -50, 500, 500], [90, 0, 95, 5]])
    assert np.isnan(poses).all()
    assert movenet.estimate(grey, np.zeros((0, 4))).shape == (0, 17, 3)


def test_each_person_for_themselves(movenet: PoseEstimator) -> None:
    """People do not depend on each other, and a box beyond the image is its part inside."""
    image = read_image(sample_path())
    [alone] = movenet.estimate(image, PLAYER)
    first, second = movenet.estimate(image, [[0, 0, 30, 30], *PLAYER])
    assert np.isnan(first).all()
    assert np.array_equal(second, alone)
    right = image[:, :500]
    wide, cut = movenet.estimate(right, [[362, 12, 752, 606], [362, 12, 500, 606]])
    assert np.array_equal(wide, cut)


def test_only_people_get_a_pose(movenet: PoseEstimator) -> None:
    boxes = np.concatenate([PLAYER, PLAYER])
    found = add_poses(Detections(boxes, np.array([38, 0]), np.ones(2)), read_image(sample_path()), movenet)
    assert found.keypoints is not None
    assert np.isnan(found.keypoints[0]).all()
    assert found.keypoints[1, 0, 1] < found.keypoints[1, KEYPOINT_NAMES.index("left knee"), 1]


@pytest.mark.parametrize(
    ("image", "boxes", "message"),
    [
        (np.zeros((9, 9), np.uint8), [[0, 0, 5, 5]], r"shape \(H, W, 3\), got uint8 \(9, 9\)"),
        (np.zeros((9, 9, 3)), [[0, 0, 5, 5]], "got float64"),
        (np.zeros((9, 9, 3), np.uint8), [0, 0, 5, 5], r"shape \(N, 4\)"),
        (np.zeros((9, 9, 3), np.uint8), [[0, 0, np.nan, 5]], "finite"),
    ],
)
def test_bad_input(movenet: PoseEstimator, image: np.ndarray, boxes: list, message: str) -> None:
    with pytest.raises(InputError, match=message):
        movenet.estimate(image, boxes)


def test_the_library_says_nothing_of_its_own(movenet: PoseEstimator, capfd: pytest.CaptureFixture[str]) -> None:
    load_pose_estimator("movenet").estimate(np.zeros((9, 9, 3), np.uint8), [[0, 0, 5, 5]])
    assert capfd.readouterr() == ("", "")


def test_missing_package_gives_the_command(without) -> None:
    without("ai_edge_litert")
    with pytest.raises(MissingExtraError, match=r'ai-edge-litert.*pip install "interplay\[pose\]"'):
        load_pose_estimator()
