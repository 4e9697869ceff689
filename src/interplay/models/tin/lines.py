"""One pixel wide lines on a small grid, drawn as OpenCV draws its 8-connected lines.

A segment is first cut to the grid in whole pixels, then walked from left to right along its longer side (Bresenham).
TIN's pose maps were drawn that way, and a line that leaves the grid has another slope after the cut than before: both
steps matter to get the same pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Ints = NDArray[np.int64]


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
