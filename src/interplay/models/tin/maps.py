"""TIN's spatial and pose maps: person, object and skeleton of a pair on a 64 x 64 grid (CVPR 2019, section 3.2).

The grid covers the union of the two boxes; its longer side fills the grid and the shorter one is centred. Boxes are
in pixels of the image with the last pixel inside (sides ``x2 - x1 + 1``). Arithmetic follows the published code to
the last bit, in the boxes' own precision, because coordinates are rounded: half a pixel decides between two maps.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.errors import InputError

Ints = NDArray[np.int64]

SIZE = 64
JOINTS = 17

SKELETON = (
    (1, 3), (2, 4), (0, 1), (0, 2), (0, 17), (5, 17), (6, 17), (5, 7), (6, 8), (7, 9), (8, 10), (11, 17), (12, 17),
    (11, 13), (12, 14), (13, 15), (14, 16),
)  # fmt: skip
"""Lines between COCO's 17 keypoints in the order of drawing; 17 is the middle of the shoulders."""

LINE_VALUES = np.arange(3, 20, dtype=np.float32) / np.float32(20)
"""Grey of each line, 0.15 to 0.95; later lines overwrite earlier ones."""

MISSING_POSE = 0.05
"""Grey that fills the person's box where the pose is unknown."""


def pair_map(human_box: ArrayLike, object_box: ArrayLike, pose: ArrayLike | None) -> NDArray[np.float32]:
    """The map of one pair.

    Args:
        human_box: x1, y1, x2, y2 in pixels. float32 and float64 boxes can round differently; integers are taken as
            float64.
        object_box: the same for the object.
        pose: 17 COCO keypoints as (17, 3) or 51 numbers x, y, score in pixels of the image (scores are not looked
            at), or None. A pose of another length, or one with a value that is not finite, counts as missing. No line
            is drawn to a keypoint that annotations do not label: 0, 0, 0.

    Returns:
        (3, 64, 64): the person's rectangle, the object's rectangle, the skeleton with values in 0..0.95.
    """
    return pair_maps(np.asarray(human_box)[None], np.asarray(object_box)[None], [pose])[0]


def pair_maps(
    human_boxes: ArrayLike, object_boxes: ArrayLike, poses: Sequence[ArrayLike | None] | NDArray[np.floating]
) -> NDArray[np.float32]:
    """The maps (N, 3, 64, 64) of N pairs; see `pair_map`. `poses` may be (N, 17, 3) with nan where one is missing.

    Raises:
        InputError: boxes are not (N, 4), or there are not as many boxes and poses.
    """
    human, other = _boxes(human_boxes, "human_boxes"), _boxes(object_boxes, "object_boxes")
    if not len(human) == len(other) == len(poses):
        raise InputError(f"expected as many human boxes, object boxes and poses, got {len(human)}, {len(other)}, "
                         f"{len(poses)}")  # fmt: skip
    maps = np.zeros((len(human), 3, SIZE, SIZE), np.float32)
    if not len(human):
        return maps
    human_grid, object_grid = boxes_on_grid(human, other)
    maps[:, 0] = _rectangles(human_grid)
    maps[:, 1] = _rectangles(object_grid)
    known = [_keypoints(pose) for pose in poses]
    present = np.array([points is not None for points in known])
    maps[~present, 2] = maps[~present, 0] * np.float32(MISSING_POSE)
    if present.any():
        points = np.stack([p for p in known if p is not None])
        joints = joints_on_grid(points, human[present], human_grid[present])
        maps[present, 2] = skeletons(joints, np.asarray(points.any(2)))
    return maps


def boxes_on_grid(
    human: NDArray[np.floating], other: NDArray[np.floating]
) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """The two boxes of every pair (N, 4) as whole pixels of the 64-grid over their union, in the boxes' precision."""
    corner = np.minimum(human[:, :2], other[:, :2])
    opposite = np.maximum(human[:, 2:], other[:, 2:])
    sides = (opposite - corner).astype(np.float64) + 1  # (N, 2) width, height
    rows = np.arange(len(human))
    long = (sides[:, 1] > sides[:, 0]).astype(np.int64)  # 1 where the union is higher than wide
    scale = sides[rows, long][:, None]
    grids = []
    for boxes in (human, other):
        moved = (boxes - np.concatenate([corner, corner], 1)).astype(boxes.dtype).astype(np.float64)
        start = SIZE * moved[:, :2] / scale
        last = SIZE * sides / scale - 1
        last[rows, long] = SIZE - 1
        grids.append(np.concatenate([start, last - SIZE * (sides - 1 - moved[:, 2:]) / scale], 1).astype(boxes.dtype))
    first, second = grids
    reached = np.maximum(first[:, 2:], second[:, 2:]).astype(np.float64)
    further = first[rows, 2 + long] > second[rows, 2 + long]
    first[rows[further], 2 + long[further]] = SIZE - 1
    second[rows[~further], 2 + long[~further]] = SIZE - 1
    shift = SIZE / 2 - (reached + 1) / 2
    shift[rows, long] = 0
    shift = np.concatenate([shift, shift], 1)
    return np.round((first + shift).astype(first.dtype)), np.round((second + shift).astype(second.dtype))


def joints_on_grid(
    keypoints: NDArray[np.floating], human: NDArray[np.floating], grid: NDArray[np.floating]
) -> NDArray[np.int64]:
    """Keypoints (N, 17, 3) as pixels (N, 18, 2) of the 64-grid: the place in the box becomes that in the grid's box.

    Pixels are at most 63 but may be negative; the lines are cut to the grid later. The last is the shoulders' middle.
    """
    corner, sides = human[:, None, :2], (human[:, 2:] - human[:, :2]).astype(np.float64)[:, None] + 1
    grid_corner, grid_sides = grid[:, None, :2], (grid[:, 2:] - grid[:, :2]).astype(np.float64)[:, None] + 1
    ratio = (keypoints[..., :2] - corner) / sides
    joints = np.minimum(np.round(ratio * grid_sides + grid_corner).astype(np.int64), SIZE - 1)
    middle = np.trunc((joints[:, 5] + joints[:, 6]) / 2).astype(np.int64)
    return np.concatenate([joints, middle[:, None]], axis=1)


def skeletons(joints: NDArray[np.int64], labelled: NDArray[np.bool_]) -> NDArray[np.float32]:
    """Joints (N, 18, 2), of which the first 17 are labelled or not (N, 17), as drawings (N, 64, 64)."""
    known = np.concatenate([labelled, (labelled[:, 5] & labelled[:, 6])[:, None]], 1)
    first, second = ([line[k] for line in SKELETON] for k in (0, 1))
    drawn = (known[:, first] & known[:, second])[..., None]
    starts, ends = (np.where(drawn, joints[:, line], -1).reshape(-1, 2) for line in (first, second))
    segment, y, x = line_pixels(starts, ends, SIZE)
    pair, line = np.divmod(segment, len(SKELETON))
    drawings = np.zeros((len(joints), SIZE, SIZE), np.float32)
    # A pixel keeps its largest value, which is the last one drawn since the values rise.
    np.maximum.at(drawings, (pair, y, x), LINE_VALUES[line])
    return drawings


def _rectangles(boxes: NDArray[np.floating]) -> NDArray[np.bool_]:
    """(N, 64, 64) whether a pixel belongs to the box, whose last pixels do."""
    place = np.arange(SIZE)
    inside = (place >= boxes[:, :2, None]) & (place <= boxes[:, 2:, None])  # (N, 2, 64) along x, along y
    return inside[:, 1, :, None] & inside[:, 0, None, :]


def _keypoints(pose: ArrayLike | None) -> NDArray[np.float64] | None:
    if pose is None:
        return None
    points = np.asarray(pose, np.float64)
    if points.size != JOINTS * 3 or not np.isfinite(points).all():
        return None
    return points.reshape(JOINTS, 3)


def _boxes(boxes: ArrayLike, name: str) -> NDArray[np.floating]:
    array = np.asarray(boxes)
    if array.size == 0:
        return np.zeros((0, 4))
    if array.ndim != 2 or array.shape[1] != 4:
        raise InputError(f"{name} must have shape (N, 4) as x1, y1, x2, y2, got {array.shape}")
    return array if array.dtype == np.float32 else array.astype(np.float64)


def line_pixels(starts: Ints, ends: Ints, size: int) -> tuple[Ints, Ints, Ints]:
    """The pixels of S segments on a `size` x `size` grid.

    Args:
        starts: (S, 2) x, y; may lie outside of the grid.
        ends: (S, 2).

    Returns:
        segment, row and column of every pixel, each (P,), segments in the given order.
    """
    a, b, inside = clip_segments(starts, ends, size)
    swap = (b[:, 0] < a[:, 0])[:, None]
    a, b = np.where(swap, b, a), np.where(swap, a, b)
    run, rise = b[:, 0] - a[:, 0], np.abs(b[:, 1] - a[:, 1])
    down = np.where(b[:, 1] < a[:, 1], -1, 1)
    steep = rise > run
    long, short = np.maximum(run, rise)[:, None], np.minimum(run, rise)[:, None]
    step = np.arange(size)[None]
    # The least number of side steps that keeps the error term, which starts at long - 2 short, from being negative.
    aside = -((long - 2 * short * step) // np.maximum(2 * long, 1))
    x = a[:, :1] + np.where(steep[:, None], aside, step)
    y = a[:, 1:] + down[:, None] * np.where(steep[:, None], step, aside)
    segment, place = np.nonzero((step <= long) & inside[:, None])
    return segment, y[segment, place], x[segment, place]


def clip_segments(starts: Ints, ends: Ints, size: int) -> tuple[Ints, Ints, NDArray[np.bool_]]:
    """Segments cut to the grid: (S, 2), (S, 2), and whether anything of each is left (S,).

    The ends are moved one after the other, first to the top or bottom row, then to the left or right column; each
    move is truncated to whole pixels, and the later ones start from the moved ends (Cohen and Sutherland).
    """
    a, b = np.array(starts, np.int64), np.array(ends, np.int64)
    last = size - 1
    for axis in (1, 0):
        ahead = _sides(a, last) & _sides(b, last)
        crosses = ~ahead.any(1)
        for moved, other in ((a, b), (b, a)):
            low, high = moved[:, axis] < 0, moved[:, axis] > last
            chosen = crosses & (low | high)
            goal = np.where(low, 0, last)[chosen]
            here, there = moved[chosen], other[chosen]
            span = there - here
            along = (goal - here[:, axis]).astype(np.float64) * span[:, 1 - axis] / span[:, axis]
            here[:, 1 - axis] += np.trunc(along).astype(np.int64)
            here[:, axis] = goal
            moved[chosen] = here
    outside = np.concatenate([_sides(a, last), _sides(b, last)], axis=1).any(1)
    return a, b, np.logical_not(outside)


def _sides(points: Ints, last: int) -> NDArray[np.bool_]:
    """(S, 4) whether a point lies left of, right of, above, below the grid."""
    return np.concatenate([points < 0, points > last], axis=1)
