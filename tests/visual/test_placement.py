import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from interplay.visual.placement import KeepClear, place_labels


def overlap(rectangles: np.ndarray) -> bool:
    x1, y1, x2, y2 = rectangles.T[:, :, None]
    left, top, right, bottom = x1.T, y1.T, x2.T, y2.T
    both = (x1 < right) & (x2 > left) & (y1 < bottom) & (y2 > top)
    return bool((both & ~np.eye(len(rectangles), dtype=bool)).any())


@settings(max_examples=25, deadline=None)
@given(st.integers(1, 30), st.integers(0, 10_000))
def test_labels_never_overlap_nor_leave_the_frame(count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    anchors = rng.uniform(0, [400, 300], (count, 2))
    sizes = rng.uniform([20, 10], [120, 30], (count, 2))
    placed = place_labels(anchors, sizes, (400, 300), 12)
    found = placed[~np.isnan(placed[:, 0])]
    assert len(found) > 0
    assert not overlap(found)
    assert found.min() >= 0
    assert (found[:, 2:] <= [400.001, 300.001]).all()
    np.testing.assert_allclose(found[:, 2:] - found[:, :2], sizes[~np.isnan(placed[:, 0])])


def test_fifty_labels_at_one_point_all_find_room() -> None:
    anchors = np.full((50, 2), 200.0)
    placed = place_labels(anchors, np.full((50, 2), [80.0, 16.0]), (640, 480), 13)
    assert not np.isnan(placed).any()
    assert not overlap(placed)


def test_a_label_alone_stays_at_its_anchor_but_off_what_matters() -> None:
    anchor, size = np.array([[200.0, 150.0]]), np.array([[60.0, 16.0]])
    (free,) = place_labels(anchor, size, (400, 300), 12)
    assert free[0] <= 200 <= free[2]
    assert free[1] <= 150 <= free[3]
    head = KeepClear((180, 130, 220, 170), 5.0)
    (moved,) = place_labels(anchor, size, (400, 300), 12, [head])
    inside = max(0, min(moved[2], 220) - max(moved[0], 180)) * max(0, min(moved[3], 170) - max(moved[1], 130))
    assert inside < 0.1 * 40 * 40
    assert np.linalg.norm((moved[:2] + moved[2:]) / 2 - anchor[0]) < 100


def test_a_label_larger_than_the_frame_has_no_room() -> None:
    placed = place_labels(np.array([[5.0, 5.0], [5.0, 5.0]]), np.array([[300.0, 10.0], [20.0, 10.0]]), (100, 50), 10)
    assert np.isnan(placed[0]).all()
    assert not np.isnan(placed[1]).any()


def test_leader_lines_do_not_cross_what_they_can_go_around() -> None:
    anchor, size = np.array([[200.0, 150.0]]), np.array([[60.0, 16.0]])
    busy = [KeepClear((180, 130, 220, 170), 50.0)]  # nothing may lie at the anchor itself
    for side in (-1, 1):
        fence = np.array([[100.0, 150.0 + side * 12, 300.0, 150.0 + side * 12]])
        (placed,) = place_labels(anchor, size, (400, 300), 12, busy, fence)
        middle = (placed[1] + placed[3]) / 2
        assert (middle - 150) * side < 12
