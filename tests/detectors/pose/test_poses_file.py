from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay import load_pose_estimator
from interplay.errors import InputError, MissingFileError

IMAGE = np.zeros((100, 200, 3), np.uint8)


def person(x: float, score: float = 0.9) -> list[float]:
    """51 numbers of somebody upright at x: 17 points from (x, 10) down to (x + 16, 90)."""
    return [v for k in range(17) for v in (x + k, 10 + 5 * k, score)]


def save(folder: Path, content: Any) -> Path:
    path = folder / "poses.json"
    path.write_text(json.dumps(content))
    return path


def test_poses_go_to_whom_they_overlap_most(tmp_path: Path) -> None:
    results = [
        {"image_id": "a.jpg", "keypoints": person(100), "box": [90, 0, 40, 100], "score": 2.9},
        {"image_id": "a.jpg", "keypoints": person(40), "box": [30, 0, 40, 100], "score": 3.1},
        {"image_id": "b.jpg", "keypoints": person(0), "box": [0, 0, 40, 100], "score": 3.1},
    ]
    estimator = load_pose_estimator(save(tmp_path, results))
    # the first two people share one pose: the better overlap has it; the last has none
    boxes = [[28, 0, 60, 90], [32, 0, 70, 100], [88, 0, 130, 100], [150, 0, 190, 100]]
    poses = estimator.estimate(IMAGE, boxes, "photos/a.jpg")
    assert np.isfinite(poses).all((1, 2)).tolist() == [False, True, True, False]
    assert poses[1, 0].tolist() == pytest.approx([40, 10, 0.9])
    assert poses[2, 16].tolist() == pytest.approx([116, 90, 0.9])
    assert np.isnan(estimator.estimate(IMAGE, boxes, "c.jpg")).all()


def test_without_boxes_the_keypoints_extent_counts(tmp_path: Path) -> None:
    """COCO's own results have no box; keypoints that were not seen do not stretch it."""
    pose = person(40)
    pose[0:3] = [199, 0, 0.01]
    numbered = {"image_id": 42, "category_id": 1, "keypoints": pose, "score": 0.8}
    named = {"file_name": "x/a.jpg", "keypoints": person(100, 1.07)}
    text = {"image_id": "000000000007", "keypoints": person(100)}
    images = [{"id": 42, "file_name": "x/a.jpg"}, {"id": 7, "file_name": "42.jpg"}]
    (tmp_path / "images.json").write_text(json.dumps({"images": images}))
    found = save(tmp_path, [numbered, named, text])
    estimator = load_pose_estimator(found, annotations=tmp_path / "images.json")
    boxes = [[30, 10, 66, 90], [96, 10, 120, 90]]
    both = estimator.estimate(IMAGE, boxes, "a.jpg")
    assert np.isfinite(both).all()
    assert both[1, 3, 2] == 1
    assert np.isfinite(estimator.estimate(IMAGE, boxes, "42.jpg")).all((1, 2)).tolist() == [False, True]
    assert np.isnan(estimator.estimate(IMAGE, boxes, "7.jpg")).all()


def test_numbers_are_not_looked_up_in_names(tmp_path: Path) -> None:
    """A tool that counts images from 1 would give the first image's people to the second."""
    found = save(tmp_path, [{"image_id": 1, "keypoints": person(0)}])
    with pytest.raises(InputError, match=r"\[0\]: there is no telling which image .* 1: .*--annotations FILE"):
        load_pose_estimator(found)
    (tmp_path / "images.json").write_text(json.dumps({"images": [{"id": 2, "file_name": "a.jpg"}]}))
    with pytest.raises(InputError, match=r"one of the 1 images that .*images\.json lists, got the number 1"):
        load_pose_estimator(found, annotations=tmp_path / "images.json")
    with pytest.raises(InputError, match="expected a file of poses"):
        load_pose_estimator("movenet", annotations=found)


def test_longer_sets_begin_with_cocos(tmp_path: Path) -> None:
    halpe = person(40) + [0.0] * 27
    estimator = load_pose_estimator(save(tmp_path, [{"image_id": "a.jpg", "keypoints": halpe}]))
    assert estimator.estimate(IMAGE, [[30, 0, 66, 100]], "a.jpg")[0, 16].tolist() == pytest.approx([56, 90, 0.9])


def test_cocos_annotations(tmp_path: Path) -> None:
    """Flags 1 and 2 (hidden, visible) become score 1; crowds and people without keypoints are left out."""
    pose = person(40, 2)
    pose[0:3], pose[5] = [0, 0, 0], 1
    annotations = [
        {"image_id": 3, "keypoints": pose, "bbox": [38, 5, 20, 90], "iscrowd": 0},
        {"image_id": 3, "keypoints": person(100, 0), "bbox": [90, 0, 40, 100], "iscrowd": 0},
        {"image_id": 3, "keypoints": person(150, 2), "bbox": [140, 0, 40, 100], "iscrowd": 1},
        {"image_id": 3, "bbox": [140, 0, 40, 100]},
    ]
    content = {"images": [{"id": 3, "file_name": "x/a.jpg"}], "annotations": annotations}
    estimator = load_pose_estimator(save(tmp_path, content))
    poses = estimator.estimate(IMAGE, [[38, 5, 58, 95], [90, 0, 130, 100], [140, 0, 180, 100]], "a.jpg")
    assert np.isfinite(poses).all((1, 2)).tolist() == [True, False, False]
    assert poses[0, :, 2].tolist() == [0] + [1] * 16


GOOD = {"image_id": "a.jpg", "keypoints": person(0)}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("text", "expected a list of"),
        ([GOOD, 7], r"\[1\]: expected"),
        ([GOOD, {"image_id": None, "keypoints": person(0)}], r"\[1\]: 'image_id'"),
        ([GOOD | {"keypoints": [0] * 42}], r"'keypoints' must be 51 numbers.*got 42 values"),
        ([GOOD | {"keypoints": [0] * 75}], "got 75 values"),
        ([GOOD | {"keypoints": [None] * 51}], "'keypoints'"),
        ([GOOD | {"box": [1, 2, 3]}], "'box' must be four numbers"),
        ([GOOD, GOOD | {"box": [1, 2, 3, 1e39]}], r"\[1\]: 'box': expected finite numbers"),
        ([GOOD, GOOD | {"keypoints": [1e39] * 51}], r"\[1\]: 'keypoints': expected finite numbers"),
        ({"images": []}, "COCO's annotations with images and annotations; no 'annotations'"),
        ({"images": [], "annotations": [{"image_id": 9}]}, "no 9"),
    ],
)
def test_bad_files_name_the_entry(tmp_path: Path, content: Any, message: str) -> None:
    with pytest.raises(InputError, match=message):
        load_pose_estimator(save(tmp_path, content))


def test_the_file_and_the_images_name_are_needed(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.json"):
        load_pose_estimator(tmp_path / "none.json")
    (tmp_path / "broken.json").write_text("{")
    with pytest.raises(InputError, match="not JSON"):
        load_pose_estimator(tmp_path / "broken.json")
    with pytest.raises(InputError, match="pass file"):
        load_pose_estimator(save(tmp_path, [GOOD])).estimate(IMAGE, [[0, 0, 9, 9]])
