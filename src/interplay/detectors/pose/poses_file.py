"""Poses from a file, in place of an estimator: AlphaPose's results, COCO's results, COCO's annotations."""

from __future__ import annotations

import math
import os
from collections import defaultdict
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.containers.guard import brief
from interplay.containers.json_files import read_json
from interplay.detectors.pose.estimator import checked, no_poses
from interplay.errors import InputError, MissingFileError
from interplay.formats.coco_images import CocoImages, named_image
from interplay.interactions import Interactions
from interplay.ops.boxes import match_boxes, xywh_to_xyxy
from interplay.ops.image_names import ImageNames
from interplay.ops.numbers import finite_number, finite_rows
from interplay.table import InteractionTable
from interplay.vocabulary import Vocabulary

MIN_IOU = 0.3
"""Least overlap of a person's box with a pose's."""

MIN_IOU_OF_EXTENT = 0.1
"""The same where a pose has no box of its own but the extent of its keypoints. It ends at the eyes and at the last
keypoint that was seen: on photographs a quarter of the people overlap less than 0.3 with their own."""

_LENGTHS = {17 * 3, 26 * 3, 133 * 3, 136 * 3}
"""COCO; Halpe 26, COCO-WholeBody and Halpe 136, which begin with COCO's 17."""

_SEEN = 0.2


class PosesFromFile:
    """Looks up the poses of an image in a file and gives each person the one that overlaps most.

    Forms of the ``.json`` file:

    - AlphaPose's and COCO's results: ``[{"image_id": "a.jpg", "keypoints": [x, y, score, ...], "box": [x, y, width,
      height]}, ...]`` with 17 COCO keypoints (or Halpe's 26 or 136, or COCO-WholeBody's 133, which begin with them).
      ``image_id`` is a name, or a number that the ``"images"`` of `annotations` give to an image; numbers are never
      looked up in names. ``file_name`` may stand in its place; ``box`` (or ``bbox``) may be missing.
    - COCO's annotations: ``{"images": [...], "annotations": [...]}``. A labelled keypoint has score 1, hidden or not.

    A person takes the pose whose box overlaps most, from an IoU of 0.3 on (0.1 with the extent of the keypoints, where
    the file has no boxes); the best overlaps in an image are given first and each pose once. A person left over, and
    everybody in an image that the file does not list, has no pose.

    Args:
        path: the file.
        annotations: the COCO file whose ``"images"`` say which image a number is, for results with numbers.

    Raises:
        MissingFileError: no such file.
        InputError: content that does not fit (names the entry and the field).
    """

    def __init__(self, path: str | os.PathLike[str], annotations: str | os.PathLike[str] | None = None) -> None:
        self.path = Path(path)
        self.name = self.path.name
        if not self.path.is_file():
            raise MissingFileError(f"no file {self.path}: expected poses as AlphaPose's or COCO's .json")
        content = read_json(self.path)
        if isinstance(content, dict):
            found = list(_annotations(content, self.path))
        else:
            found = list(_results(content, self.path, None if annotations is None else CocoImages.read(annotations)))
        poses: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
        boxes: dict[str, list[NDArray[np.float32]]] = defaultdict(list)
        for image, pose, box in found:
            poses[image].append(pose)
            boxes[image].append(_extent(pose) if box is None else np.append(box, MIN_IOU).astype(np.float32))
        self._names = ImageNames(poses, by_number=False)
        self._poses = [np.stack(rows) for rows in poses.values()]
        self._boxes = [np.stack(rows) for rows in boxes.values()]

    def estimate(self, image: NDArray[np.uint8], boxes: ArrayLike, file: str | None = None) -> NDArray[np.float32]:
        """The keypoints (N, 17, 3) of each person; see `PoseEstimator`."""
        people = checked(image, boxes)
        if file is None:
            raise InputError("poses from a file are found by the image's name: pass file")
        keypoints = no_poses(len(people))
        row = self._names.find(file)
        if row >= 0 and len(people):
            poses, theirs = self._poses[row], self._boxes[row]
            for person, pose in match_boxes(people, theirs[:, :4], theirs[:, 4]):
                keypoints[person] = poses[pose]
        return keypoints


_Record = tuple[str, NDArray[np.float32], NDArray[np.float32] | None]


def _results(content: Any, path: Path, listed: CocoImages | None) -> Iterator[_Record]:
    """Image, keypoints (17, 3) and box (4,), if there is one, of every pose in results."""
    if not isinstance(content, list):
        raise InputError(f"{path}: expected a list of {{image_id, keypoints}}, got {type(content).__name__}")
    for i, record in enumerate(content):
        where = f"{path}: [{i}]"
        if not isinstance(record, Mapping):
            raise InputError(f"{where}: expected {{image_id, keypoints}}, got {brief(record)}")
        image = named_image(record, listed, where, "pose")
        pose = _keypoints(record, where)
        pose[:, 2] = pose[:, 2].clip(0, 1)  # AlphaPose's heatmaps overshoot a little
        yield image, pose, _box(record, where)


def _annotations(content: dict[str, Any], path: Path) -> Iterator[_Record]:
    """The same of annotations; crowds and people without a labelled keypoint are left out."""
    try:
        names = {image["id"]: str(image["file_name"]) for image in content["images"]}
        annotations = [(i, a, names[a["image_id"]]) for i, a in enumerate(content["annotations"])]
        if not all(isinstance(record, Mapping) for _, record, _ in annotations):
            raise TypeError("objects in 'annotations'")
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(
            f"{path}: expected a list of poses, or COCO's annotations with images and annotations; no {error}"
        ) from None
    for i, record, name in annotations:
        if "keypoints" not in record or record.get("iscrowd"):
            continue
        where = f"{path}: annotations[{i}]"
        pose = _keypoints(record, where)
        pose[:, 2] = pose[:, 2] > 0
        if pose[:, 2].any():
            yield name, pose, _box(record, where)


def read_pose_results(path: str | os.PathLike[str], listed: CocoImages | None = None) -> InteractionTable:
    """AlphaPose's or COCO's results as predictions: people with keypoints, whose box scores are the poses' scores.

    Somebody without a box has that about all keypoints. The vocabulary is V-COCO's; nobody does anything.

    Args:
        path: the file.
        listed: what numbers of images mean.

    Raises:
        MissingFileError: no such file.
        InputError: content that does not fit, or a pose without score (names the entry).
    """
    source = Path(path)
    if not source.is_file():
        raise MissingFileError(f"no file {source}: expected poses as AlphaPose's or COCO's .json")
    content = read_json(source)
    if isinstance(content, dict):
        raise InputError(
            f"{source}: holds annotations (it has no scores), expected results: a list of poses with scores"
        )
    vocabulary = Vocabulary.load("v-coco")
    images: dict[str, list[tuple[NDArray[np.float32], NDArray[np.float32], float]]] = defaultdict(list)
    for i, (name, pose, box) in enumerate(_results(content, source, listed)):
        score = finite_number(content[i].get("score"), f"{source}: [{i}]: 'score'")
        around = np.concatenate([pose[:, :2].min(0), pose[:, :2].max(0)]) if box is None else box
        images[name].append((pose, around, score))
    none = np.zeros(0, np.int64)
    return InteractionTable.from_list(
        [
            Interactions(
                boxes=np.stack([box for _, box, _ in poses]),
                labels=np.full(len(poses), vocabulary.person),
                human=none,
                object=none,
                verb=none,
                vocabulary=vocabulary,
                box_scores=[score for *_, score in poses],
                file=name,
                keypoints=np.stack([pose for pose, _, _ in poses]),
            )
            for name, poses in images.items()
        ],
        vocabulary,
    )


def _keypoints(record: Mapping[str, Any], where: str) -> NDArray[np.float32]:
    values = record.get("keypoints")
    if not isinstance(values, list) or len(values) not in _LENGTHS or not all(map(_is_number, values)):
        got = f"{len(values)} values" if isinstance(values, list) else brief(values)
        raise InputError(
            f"{where}: 'keypoints' must be 51 numbers (x, y, score of COCO's 17), or 78, 399 or 408 of the sets that "
            f"begin with them, got {got}"
        )
    return finite_rows([values[:51]], 51, lambda _: f"{where}: 'keypoints'").reshape(17, 3)


def _box(record: Mapping[str, Any], where: str) -> NDArray[np.float32] | None:
    box = record.get("box", record.get("bbox"))
    if box is None:
        return None
    if not isinstance(box, list) or len(box) != 4 or not all(map(_is_number, box)):
        raise InputError(f"{where}: 'box' must be four numbers x, y, width, height, got {brief(box)}")
    return xywh_to_xyxy(finite_rows([box], 4, lambda _: f"{where}: 'box'"))[0]


def _extent(pose: NDArray[np.float32]) -> NDArray[np.float32]:
    """x1, y1, x2, y2 about the keypoints that were seen, and the least overlap."""
    seen = pose[pose[:, 2] >= min(_SEEN, float(pose[:, 2].max())), :2]
    return np.concatenate([seen.min(0), seen.max(0), np.array([MIN_IOU_OF_EXTENT], np.float32)])


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and math.isfinite(value)
