"""Placing labels in a crowded picture: none covers another, each stays near what it names and off what matters.

A greedy placement over a grid of candidate positions, followed by sweeps in which every label may move again now
that the others are placed. The cost of a position is how much it hides of heads and objects, how far it is from
its anchor, and how often its leader line crosses other labels. See Christensen, Marks and Shieber, "An empirical
study of algorithms for point-feature label placement" (1995), for the family of methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SWEEPS = 2
_SHORTLIST = 64  # candidates whose leader lines are looked at
_LEADER_SAMPLES = np.linspace(0.06, 0.94, 12)[:, None]
_DISTANCE_COST = 0.35  # per text height between a label and its anchor
_CROSSING_COST = 0.25  # per sample of a leader line under another label


@dataclass(frozen=True)
class Precious:
    """A region that labels should not hide.

    Attributes:
        box: x1, y1, x2, y2.
        weight: cost of hiding all of it; hiding a part costs in proportion.
    """

    box: tuple[float, float, float, float]
    weight: float


def place_labels(
    anchors: NDArray[np.float64],
    sizes: NDArray[np.float64],
    frame: tuple[int, int],
    unit: float,
    precious: Sequence[Precious] = (),
    obstacles: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Find a rectangle for each label.

    Args:
        anchors: (L, 2) points that the labels name.
        sizes: (L, 2) widths and heights of the labels. Earlier labels choose first.
        frame: width and height of the picture.
        unit: text height; distances are measured in it.
        precious: what should stay visible.
        obstacles: (K, 4) rectangles that no label may touch.

    Returns:
        (L, 4) x1, y1, x2, y2, inside the frame and free of overlaps; NaN for a label for which there is no room.
    """
    taken = np.zeros((0, 4)) if obstacles is None else obstacles.reshape(-1, 4)
    hidden = _HidingCost(frame, max(unit / 3, 1.0), precious)
    gap = 0.12 * unit
    placed = np.full((len(anchors), 4), np.nan)
    for sweep in range(1 + _SWEEPS):
        moved = False
        for i, (anchor, size) in enumerate(zip(anchors, sizes, strict=True)):
            others = np.delete(placed, i, axis=0)
            known = ~np.isnan(others[:, 0])
            rivals = np.concatenate([taken, others[known]])
            leaders = _leaders(np.delete(anchors, i, axis=0)[known], others[known])
            candidates = _candidates(anchor, size, frame, unit)
            chosen = _cheapest(candidates, anchor, unit, hidden, rivals, leaders, gap)
            moved |= not np.array_equal(chosen, placed[i], equal_nan=True)
            placed[i] = chosen
        if sweep and not moved:
            break
    return placed


def nearest_point(rectangles: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 2) point of each rectangle (M, 4) that is nearest to a point (2,)."""
    return np.clip(point, rectangles[:, :2], rectangles[:, 2:])


class _HidingCost:
    """Sums, over any rectangle, the cost of the precious regions beneath it, through an integral image."""

    def __init__(self, frame: tuple[int, int], cell: float, precious: Sequence[Precious]) -> None:
        width, height = frame
        self.cell = cell
        self.shape = (int(np.ceil(height / cell)), int(np.ceil(width / cell)))
        density = np.zeros(self.shape)
        for region in precious:
            x1, y1, x2, y2 = (int(v / cell) for v in region.box)
            part = density[y1 : y2 + 1, x1 : x2 + 1]
            if part.size:
                part += region.weight / part.size
        self.integral = np.zeros((self.shape[0] + 1, self.shape[1] + 1))
        self.integral[1:, 1:] = density.cumsum(0).cumsum(1)

    def __call__(self, rectangles: NDArray[np.float64]) -> NDArray[np.float64]:
        rows, columns = self.shape
        x1, x2 = (np.clip(np.rint(rectangles[:, i] / self.cell).astype(int), 0, columns) for i in (0, 2))
        y1, y2 = (np.clip(np.rint(rectangles[:, i] / self.cell).astype(int), 0, rows) for i in (1, 3))
        total = self.integral
        return total[y2, x2] - total[y1, x2] - total[y2, x1] + total[y1, x1]


def _candidates(
    anchor: NDArray[np.float64], size: NDArray[np.float64], frame: tuple[int, int], unit: float
) -> NDArray[np.float64]:
    """Rectangles of a size on a grid over the whole frame, and exactly around the anchor; (M, 4)."""
    room = np.array(frame, np.float64) - size
    if (room < 0).any():
        return np.zeros((0, 4))
    step = max(unit / 2, 2.0)
    xs, ys = (np.linspace(0, r, int(r / step) + 1) for r in room)
    grid = np.stack(np.meshgrid(xs, ys), axis=-1).reshape(-1, 2)
    away = size / 2 + 0.6 * unit
    around = np.array([(x, y) for x in (-1, 0, 1) for y in (-1, 0, 1)]) * away + anchor - size / 2
    corners = np.concatenate([np.clip(around, 0, room), grid])
    return np.concatenate([corners, corners + size], axis=1)


def _touching(candidates: NDArray[np.float64], rivals: NDArray[np.float64], gap: float) -> NDArray[np.bool_]:
    """(M,) whether a candidate is within `gap` of one of the rivals (K, 4)."""
    a, b = candidates.T[:, :, None], rivals.T[:, None, :]  # by coordinate: reducing a last axis of 2 is slow
    return ((a[0] < b[2] + gap) & (a[2] > b[0] - gap) & (a[1] < b[3] + gap) & (a[3] > b[1] - gap)).any(axis=1)


def _leaders(anchors: NDArray[np.float64], rectangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (S, 2) along the lines from anchors (K, 2) to their labels (K, 4)."""
    ends = np.clip(anchors, rectangles[:, :2], rectangles[:, 2:])
    return (anchors[:, None] + _LEADER_SAMPLES * (ends - anchors)[:, None]).reshape(-1, 2)


def _cheapest(
    candidates: NDArray[np.float64],
    anchor: NDArray[np.float64],
    unit: float,
    hidden: _HidingCost,
    rivals: NDArray[np.float64],
    leaders: NDArray[np.float64],
    gap: float,
) -> NDArray[np.float64]:
    """The best candidate that touches no rival; NaN (4,) if there is none."""
    ends = nearest_point(candidates, anchor)
    cost = hidden(candidates) + _DISTANCE_COST * np.linalg.norm(ends - anchor, axis=1) / unit
    best = _first_free(candidates, np.argsort(cost, kind="stable"), rivals, gap)
    if not len(best):
        return np.full(4, np.nan)
    own = anchor + _LEADER_SAMPLES * (ends[best] - anchor)[:, None]  # (M, samples, 2)
    crossing = _inside(own[:, :, None], rivals).sum(axis=(1, 2))
    covering = _inside(leaders[None], candidates[best][:, None]).sum(axis=1)
    return candidates[best[np.argmin(cost[best] + _CROSSING_COST * (crossing + covering))]]


def _first_free(
    candidates: NDArray[np.float64], order: NDArray[np.intp], rivals: NDArray[np.float64], gap: float
) -> NDArray[np.intp]:
    """The first `_SHORTLIST` candidates in an order that touch no rival; looks no further than it has to."""
    found = order[:0]
    for start in range(0, len(order), 4 * _SHORTLIST):
        block = order[start : start + 4 * _SHORTLIST]
        found = np.concatenate([found, block[~_touching(candidates[block], rivals, gap)]])
        if len(found) >= _SHORTLIST:
            break
    return found[:_SHORTLIST]


def _inside(points: NDArray[np.float64], rectangles: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points (..., 2) lie in rectangles (..., 4), broadcast against each other."""
    x, y = points[..., 0], points[..., 1]
    x1, y1, x2, y2 = np.moveaxis(rectangles, -1, 0)
    return (x > x1) & (x < x2) & (y > y1) & (y < y2)
