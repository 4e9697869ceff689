"""TIN's rules: maps, part boxes, suppression, losses and sampling, against outputs of the published code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from interplay.models.tin.maps import LINE_VALUES, SKELETON, boxes_on_grid, pair_map, pair_maps
from interplay.models.tin.part_boxes import correct_boxes, limb_joints, part_boxes


@pytest.fixture(scope="module")
def folder(goldens: Path) -> Path:
    return goldens / "tin"


def _json(path: Path) -> Any:
    return json.loads(path.read_text())


def test_the_skeleton_has_the_published_lines(folder: Path) -> None:
    lines = _json(folder / "pose_lines.json")["lines_in_drawing_order"]
    assert [tuple(line[:2]) for line in lines] == list(SKELETON)
    np.testing.assert_array_equal(LINE_VALUES, np.array([line[2] for line in lines], np.float32))


def test_maps_of_pairs(folder: Path) -> None:
    with np.load(folder / "spatial_pose.npz") as stored:
        for case in _json(folder / "spatial_pose_cases.json"):
            values = {name: stored[f"{case['case']:02}_{name}"] for name in ("human_box", "object_box", "pose", "map")}
            pose = values["pose"] if len(values["pose"]) else None
            drawn = pair_map(values["human_box"], values["object_box"], pose)
            np.testing.assert_array_equal(drawn.transpose(1, 2, 0), values["map"], err_msg=case["name"])
            grids = boxes_on_grid(values["human_box"][None], values["object_box"][None])
            for who, grid in zip(("human", "object"), grids, strict=True):
                expected = stored[f"{case['case']:02}_{who}_box_64"]
                np.testing.assert_array_equal(grid[0], expected, err_msg=case["name"])


def test_maps_of_many_pairs_are_those_of_each(folder: Path) -> None:
    with np.load(folder / "spatial_pose.npz") as stored:
        names = [f"{k:02}" for k in range(22) if stored[f"{k:02}_human_box"].dtype == np.float64]
        humans, things = (np.stack([stored[f"{name}_{who}_box"] for name in names]) for who in ("human", "object"))
        maps = pair_maps(humans, things, [stored[f"{name}_pose"] for name in names])
        expected = np.stack([stored[f"{name}_map"] for name in names])
    np.testing.assert_array_equal(maps.transpose(0, 2, 3, 1), expected)


def test_boxes_of_body_parts(folder: Path) -> None:
    with np.load(folder / "part_boxes.npz") as stored:
        values = {name: stored[name] for name in stored.files}
    np.testing.assert_array_equal(limb_joints(values["keypoints17"]), values["joints16"])
    parts = part_boxes(values["keypoints17"], values["human_box"])
    np.testing.assert_array_equal(parts, values["part_boxes"][..., 1:])
    height, width = values["correct_box_shape"][:2]
    for before, after in (("part_boxes", "correct_box_out"), ("correct_box_in2", "correct_box_out2")):
        np.testing.assert_array_equal(correct_boxes(values[before][..., 1:], width, height), values[after][..., 1:])


def test_people_without_keypoints_have_their_box_for_every_part() -> None:
    parts = part_boxes(np.full((1, 17, 3), np.nan), [[1, 2, 30, 40]])
    np.testing.assert_array_equal(parts, np.broadcast_to(np.float32([1, 2, 30, 40]), (1, 10, 4)))
