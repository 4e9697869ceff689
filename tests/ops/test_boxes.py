from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from interplay.errors import InputError
from interplay.ops.boxes import as_boxes, box_area, box_iou, clip_boxes, distinct_boxes, voted_boxes, xywh_to_xyxy

BOXES = hnp.arrays(np.float64, (4, 4), elements=st.integers(0, 50)).map(
    lambda b: np.concatenate([np.minimum(b[:, :2], b[:, 2:]), np.maximum(b[:, :2], b[:, 2:]) + 1], axis=1)
)


@given(BOXES, BOXES, st.booleans())
def test_iou_counts_pixels(a: np.ndarray, b: np.ndarray, inclusive: bool) -> None:
    """Against areas counted on a pixel grid."""
    extra = 1 if inclusive else 0

    def mask(box: np.ndarray) -> np.ndarray:
        grid = np.zeros((60, 60), bool)
        x1, y1, x2, y2 = box.astype(int)
        grid[y1 : y2 + extra, x1 : x2 + extra] = True
        return grid

    expected = [[(mask(p) & mask(q)).sum() / (mask(p) | mask(q)).sum() for q in b] for p in a]
    np.testing.assert_allclose(box_iou(a, b, inclusive), expected, atol=1e-12)


def test_degenerate_boxes() -> None:
    point = np.array([[5.0, 5, 5, 5]])
    assert box_iou(point, point).tolist() == [[0]]
    assert box_iou(point, point, inclusive=True).tolist() == [[1]]
    assert box_area(np.array([[5.0, 5, 3, 9]])).tolist() == [0]
    assert box_iou(np.zeros((0, 4)), point).shape == (0, 1)


@given(BOXES)
def test_conversion_and_cut(a: np.ndarray) -> None:
    sides = np.concatenate([a[:, :2], a[:, 2:] - a[:, :2]], 1)
    np.testing.assert_array_equal(xywh_to_xyxy(sides), a)
    assert (clip_boxes(a, 1e9, 1e9) == a).all()
    cut = clip_boxes(a, 20, 10)
    assert (cut <= [20, 10, 20, 10]).all()
    assert (cut[a <= 10] == a[a <= 10]).all()


def test_suppression_is_within_a_label_and_by_the_best() -> None:
    boxes = np.array([[0, 0, 10, 10], [1, 0, 11, 10], [1, 0, 11, 10], [2, 0, 12, 10], [5, 0, 15, 10]], np.float32)
    scores = np.array([0.9, 0.8, 0.7, 0.6, 0.5], np.float32)
    assert distinct_boxes(boxes, np.array([0, 0, 1, 0, 0]), scores, 0.5).tolist() == [0, 0, 2, 0, 4]
    assert distinct_boxes(boxes, np.array([0, 0, 1, 0, 0]), scores[::-1], 0.5).tolist() == [1, 1, 2, 4, 4]


def test_all_that_show_the_same_say_where_it_is() -> None:
    """The mean by scores of what overlaps, of the box's class alone; each votes once; a box without voters stays."""
    boxes, labels = np.array([[0, 0, 10, 10], [50, 0, 60, 10], [4, 0, 14, 10]], np.float32), np.array([0, 1, 0])
    voters = np.array([[0, 0, 10, 10], [2, 0, 12, 10], [1, 1, 10, 10], [6, 0, 16, 10]], np.float32)
    scores = np.array([0.6, 0.2, 0.9, 0.9], np.float32)
    found = voted_boxes(boxes, labels, voters, np.array([0, 0, 1, 0]), scores, 0.5)
    np.testing.assert_allclose(found, [[0.5, 0, 10.5, 10], [50, 0, 60, 10], [6, 0, 16, 10]], rtol=1e-6)
    assert found.dtype == np.float32
    assert voted_boxes(boxes[:0], labels[:0], voters, labels[[0, 0, 1, 0]], scores, 0.5).shape == (0, 4)


def test_as_boxes_refuses_other_shapes() -> None:
    assert as_boxes([]).shape == (0, 4)
    with pytest.raises(InputError, match=r"got \(2,\)"):
        as_boxes([1, 2])
    with pytest.raises(InputError, match="must be numbers"):
        as_boxes([["a"]])
