"""TIN's maps, part boxes and pairs on made-up input; the published numbers are in tests/parity."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from interplay.errors import InputError
from interplay.models.tin.losses import class_weights
from interplay.models.tin.maps import line_pixels, pair_map, pair_maps
from interplay.models.tin.part_boxes import part_boxes
from interplay.models.tin.published import HICO_PAIRS, select_pairs

POINT = st.tuples(st.integers(-150, 200), st.integers(-150, 200))


@settings(max_examples=300, deadline=None)
@given(POINT, POINT)
def test_lines_are_those_of_opencv(start: tuple[int, int], end: tuple[int, int]) -> None:
    cv2 = pytest.importorskip("cv2")
    expected, drawn = np.zeros((64, 64), np.uint8), np.zeros((64, 64), np.uint8)
    cv2.line(expected, start, end, 1)
    _, y, x = line_pixels(np.array([start]), np.array([end]), 64)
    drawn[y, x] = 1
    np.testing.assert_array_equal(drawn, expected)


def test_map_of_two_halves() -> None:
    """The person left, the object right, in a union of 64 x 64 pixels: nothing is scaled."""
    drawn = pair_map([10, 20, 41, 83], [42, 20, 73, 83], None)
    assert drawn[0, :, :32].all()
    assert not drawn[0, :, 32:].any()
    np.testing.assert_array_equal(drawn[1], 1 - drawn[0])
    np.testing.assert_allclose(drawn[2], 0.05 * drawn[0])


def test_maps_take_a_pose_in_either_shape() -> None:
    pose = np.column_stack([np.linspace(10, 40, 17), np.linspace(20, 80, 17), np.ones(17)])
    boxes = [10, 20, 41, 83], [42, 20, 73, 83]
    np.testing.assert_array_equal(pair_map(*boxes, pose), pair_map(*boxes, pose.reshape(-1).tolist()))
    assert pair_map(*boxes, pose)[2].max() == np.float32(0.95)
    missing = pair_maps([boxes[0]] * 2, [boxes[1]] * 2, np.stack([pose, np.full((17, 3), np.nan)]))
    np.testing.assert_array_equal(missing[0], pair_map(*boxes, pose))
    np.testing.assert_array_equal(missing[1], pair_map(*boxes, None))


def test_no_line_leads_to_a_keypoint_that_is_not_labelled() -> None:
    """Annotations have 0, 0, 0 there, which would be a line to the picture's corner."""
    boxes = [0, 0, 63, 63], [10, 10, 20, 20]
    pose = np.column_stack([np.full(17, 40), np.linspace(20, 60, 17), np.full(17, 2)])
    pose[15] = 0  # an ankle
    drawn, whole = pair_map(*boxes, pose)[2], pair_map(*boxes, np.where(pose.any(1)[:, None], pose, [40, 50, 2]))[2]
    assert np.flatnonzero(drawn.any(0)).tolist() == [40]
    assert drawn.sum() < whole.sum()
    pose[5] = 0  # a shoulder: nothing leads to the middle of both
    assert np.flatnonzero(pair_map(*boxes, pose)[2].any(0)).tolist() == [40]
    assert not pair_map(*boxes, np.zeros((17, 3)))[2].any()


def test_no_pairs_give_no_maps() -> None:
    assert pair_maps(np.zeros((0, 4)), np.zeros((0, 4)), []).shape == (0, 3, 64, 64)


def test_what_does_not_fit_is_refused() -> None:
    with pytest.raises(InputError, match=r"object_boxes must have shape \(N, 4\)"):
        pair_maps(np.zeros((1, 4)), np.zeros((1, 5)), [None])
    with pytest.raises(InputError, match="as many human boxes, object boxes and poses, got 1, 1, 2"):
        pair_maps(np.zeros((1, 4)), np.zeros((1, 4)), [None, None])
    with pytest.raises(InputError, match=r"\(N, 17, 3\)"):
        part_boxes(np.zeros((1, 16, 3)), np.zeros((1, 4)))
    with pytest.raises(InputError, match="as many boxes as people"):
        part_boxes(np.zeros((1, 17, 3)), np.zeros((2, 4)))
    with pytest.raises(InputError, match="not all 0"):
        class_weights([0, 0])
    with pytest.raises(InputError, match="as many boxes, scores and kinds, got 1, 2, 1"):
        select_pairs(np.zeros((1, 4)), np.zeros(2), np.zeros(1, bool), HICO_PAIRS)
