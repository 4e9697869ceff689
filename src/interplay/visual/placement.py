"""Placing labels in a crowded picture: none covers another, each stays near what it names and off what matters.

A greedy placement over a grid of candidate positions, followed by sweeps in which every label may move again now
that the others are placed. The cost of a position is how much it hides of heads and objects, how far it is from
its anchor, and how often its leader line crosses other labels and lines. See Christensen, Marks and Shieber, "An
empirical study of algorithms for point-feature label placement" (1995), for the family of methods.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

_SWEEPS = 2
_SHORTLIST = 128  # candidates whose leader lines are looked at
_MOST_TO_UNTANGLE = 14  # labels: of more, every leader line crosses something
_LEADER_SAMPLES = np.linspace(0.06, 0.94, 12)[:, None]
_GAP = 0.12  # between labels, in text heights
_DISTANCE_COST = 0.35  # per text height between a label and its anchor
_COVERED_COST = 0.25  # per sample of a leader line under another label
_TANGLED_COST = 1.2  # per crossing of a leader line and another line
_NEVER_COST = 1000.0  # per region touched that is hidden only where there is no other room


@dataclass(frozen=True)
class KeepClear:
    """A region that labels should not hide.

    Attributes:
        box: x1, y1, x2, y2.
        weight: cost of hiding all of it; hiding a part costs in proportion. Infinite: no part is hidden as long as
            there is room anywhere else.
    """

    box: tuple[float, float, float, float]
    weight: float


def place_labels(
    anchors: NDArray[np.float64],
    sizes: NDArray[np.float64],
    frame: tuple[int, int],
    unit: float,
    keep_clear: Sequence[KeepClear] = (),
    lines: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Find a rectangle for each label.

    Args:
        anchors: (L, 2) points that the labels name.
        sizes: (L, 2) widths and heights of the labels. Earlier labels choose first.
        frame: width and height of the picture.
        unit: text height; distances are measured in it.
        keep_clear: what should stay visible.
        lines: (K, 4) x1, y1, x2, y2 of lines in the picture, which leader lines should not cross.

    Returns:
        (L, 4) x1, y1, x2, y2, inside the frame and free of overlaps; NaN for a label for which there is no room.
    """
    search = _Search(anchors, sizes, frame, unit, keep_clear, np.zeros((0, 4)) if lines is None else lines)
    for sweep in range(1 + _SWEEPS):
        moved = False
        for i in range(len(anchors)):
            rectangle, _ = search.best(i)
            moved |= not np.array_equal(rectangle, search.placed[i], equal_nan=True)
            search.placed[i] = rectangle
        if sweep and not moved:
            break
    if len(anchors) <= _MOST_TO_UNTANGLE:
        search.untangle()
    return search.placed


def nearest_point(rectangles: NDArray[np.float64], point: NDArray[np.float64]) -> NDArray[np.float64]:
    """(M, 2) point of each rectangle (M, 4) that is nearest to a point (2,)."""
    return np.clip(point, rectangles[:, :2], rectangles[:, 2:])


class _Search:
    """The labels, and where they are so far."""

    def __init__(
        self,
        anchors: NDArray[np.float64],
        sizes: NDArray[np.float64],
        frame: tuple[int, int],
        unit: float,
        keep_clear: Sequence[KeepClear],
        lines: NDArray[np.float64],
    ) -> None:
        self.anchors, self.sizes, self.frame, self.unit, self.lines = anchors, sizes, frame, unit, lines
        self.hidden = _HidingCost(frame, max(unit / 3, 1.0), [r for r in keep_clear if np.isfinite(r.weight)])
        self.never = never_hidden(keep_clear)
        self.placed = np.full((len(anchors), 4), np.nan)

    def best(self, i: int) -> tuple[NDArray[np.float64], float]:
        """The cheapest place of label i that touches no other label, and its cost; NaN and inf if there is none."""
        return self._cheapest(i, _candidates(self.anchors[i], self.sizes[i], self.frame, self.unit))

    def untangle(self) -> None:
        """Where a leader line crosses another line, let its label and another one choose again, in the other order."""
        for i in range(len(self.anchors)):
            for j in range(len(self.anchors)):
                if j == i or not self._tangles(i, self.placed[i : i + 1]).any():
                    continue
                before = self.placed.copy()
                self.placed[[i, j]] = np.nan
                now = self._cheapest(i, before[i : i + 1])[1]
                self.placed[i] = before[i]
                now += self._cheapest(j, before[j : j + 1])[1]
                self.placed[i] = np.nan
                self.placed[j], first = self.best(j)
                self.placed[i], second = self.best(i)
                if first + second >= now:
                    self.placed = before

    def _others(self, i: int) -> NDArray[np.bool_]:
        known = ~np.isnan(self.placed[:, 0])
        known[i] = False
        return known

    def _cheapest(self, i: int, candidates: NDArray[np.float64]) -> tuple[NDArray[np.float64], float]:
        anchor, others = self.anchors[i], self._others(i)
        rivals = self.placed[others]
        ends = nearest_point(candidates, anchor)
        cost = self.hidden(candidates) + _DISTANCE_COST * np.linalg.norm(ends - anchor, axis=1) / self.unit
        cost += _NEVER_COST * touching(candidates, self.never).sum(axis=1)
        best = _first_free(candidates, np.argsort(cost, kind="stable"), rivals, _GAP * self.unit)
        if not len(best):
            return np.full(4, np.nan), np.inf
        own = np.concatenate([np.broadcast_to(anchor, ends[best].shape), ends[best]], axis=1)
        under = _inside(_samples(own)[:, :, None], rivals).sum(axis=(1, 2))
        leaders = _samples(_leaders(self.anchors[others], rivals)).reshape(1, -1, 2)
        over = _inside(leaders, candidates[best][:, None]).sum(axis=1)
        total = cost[best] + _COVERED_COST * (under + over) + _TANGLED_COST * self._tangles(i, candidates[best])
        cheapest = int(np.argmin(total))
        return candidates[best[cheapest]], float(total[cheapest])

    def _tangles(self, i: int, candidates: NDArray[np.float64]) -> NDArray[np.int64]:
        """(M,) how many lines the leader line of label i would cross from each candidate."""
        others = self._others(i)
        own = _leaders(np.broadcast_to(self.anchors[i], (len(candidates), 2)), candidates)
        own[:, :2] += _LEADER_SAMPLES[0] * (own[:, 2:] - own[:, :2])  # the anchor lies on a line: that is no crossing
        drawn = np.concatenate([self.lines, _leaders(self.anchors[others], self.placed[others])])
        return _crossing(own, drawn).sum(axis=1)


class _HidingCost:
    """Sums, over any rectangle, the cost of the regions to keep clear beneath it, through an integral image."""

    def __init__(self, frame: tuple[int, int], cell: float, keep_clear: Sequence[KeepClear]) -> None:
        width, height = frame
        self.cell = cell
        self.shape = (int(np.ceil(height / cell)), int(np.ceil(width / cell)))
        density = np.zeros(self.shape)
        for region in keep_clear:
            x1, y1, x2, y2 = (int(v / cell) for v in region.box)
            part = density[max(y1, 0) : y2 + 1, max(x1, 0) : x2 + 1]
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


def _first_free(
    candidates: NDArray[np.float64], order: NDArray[np.intp], rivals: NDArray[np.float64], gap: float
) -> NDArray[np.intp]:
    """The first `_SHORTLIST` candidates in an order that touch no rival; looks no further than it has to."""
    found = order[:0]
    for start in range(0, len(order), 4 * _SHORTLIST):
        block = order[start : start + 4 * _SHORTLIST]
        found = np.concatenate([found, block[~touching(candidates[block], rivals, gap).any(axis=1)]])
        if len(found) >= _SHORTLIST:
            break
    return found[:_SHORTLIST]


def touching(candidates: NDArray[np.float64], rivals: NDArray[np.float64], gap: float = 0.0) -> NDArray[np.bool_]:
    """(M, K) whether rectangles (M, 4) are within `gap` of rivals (K, 4)."""
    a, b = candidates.T[:, :, None], rivals.T[:, None, :]  # by coordinate: reducing a last axis of 2 is slow
    return (a[0] < b[2] + gap) & (a[2] > b[0] - gap) & (a[1] < b[3] + gap) & (a[3] > b[1] - gap)


def never_hidden(keep_clear: Sequence[KeepClear]) -> NDArray[np.float64]:
    """(K, 4) the regions of infinite weight."""
    return np.array([region.box for region in keep_clear if np.isinf(region.weight)], np.float64).reshape(-1, 4)


def _leaders(anchors: NDArray[np.float64], rectangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Lines (K, 4) from anchors (K, 2) to their labels (K, 4)."""
    return np.concatenate([anchors, np.clip(anchors, rectangles[:, :2], rectangles[:, 2:])], axis=1)


def _samples(lines: NDArray[np.float64]) -> NDArray[np.float64]:
    """Points (K, S, 2) along lines (K, 4)."""
    return lines[:, None, :2] + _LEADER_SAMPLES * (lines[:, 2:] - lines[:, :2])[:, None]


def _crossing(first: NDArray[np.float64], second: NDArray[np.float64]) -> NDArray[np.bool_]:
    """(M, K) whether lines (M, 4) cross lines (K, 4)."""
    a, b = first[:, None, :2], first[:, None, 2:]
    c, d = second[None, :, :2], second[None, :, 2:]
    return (_side(a, b, c) * _side(a, b, d) < 0) & (_side(c, d, a) * _side(c, d, b) < 0)


def _side(p: NDArray[np.float64], q: NDArray[np.float64], r: NDArray[np.float64]) -> NDArray[np.float64]:
    """On which side of the line from p to q the point r lies: above 0, below 0, or 0 on it; all (..., 2)."""
    return (q[..., 0] - p[..., 0]) * (r[..., 1] - p[..., 1]) - (q[..., 1] - p[..., 1]) * (r[..., 0] - p[..., 0])


def _inside(points: NDArray[np.float64], rectangles: NDArray[np.float64]) -> NDArray[np.bool_]:
    """Whether points (..., 2) lie in rectangles (..., 4), broadcast against each other."""
    x, y = points[..., 0], points[..., 1]
    x1, y1, x2, y2 = np.moveaxis(rectangles, -1, 0)
    return (x > x1) & (x < x2) & (y > y1) & (y < y2)
