"""Where groups and objects stand so that nothing runs into anything else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array, transform, vec
from interplay.world.posing.group import Group, upright

CELL = 0.1
"""Metres: the ground is kept in squares of this size."""

HEADROOM = 2.2
"""Metres: what is higher up (a kite, the top of a tree) is in nobody's way."""

_RING = np.array([[0.0, 0.0], *([np.cos(a), np.sin(a)] for a in np.arange(8) * np.pi / 4)])
_AROUND = np.array([[i, j] for i in (-1, 0, 1) for j in (-1, 0, 1)])


class Floor:
    """Which squares of the ground are taken.

    Args:
        bounds: (2, 2) lowest and highest x, y; what is outside is not free.
    """

    def __init__(self, bounds: Array) -> None:
        self._low = bounds[0]
        self._shape = np.maximum(np.ceil((bounds[1] - bounds[0]) / CELL).astype(np.int64), 1)
        self._taken = np.zeros(tuple(self._shape), bool)

    def _cells(self, points: Array) -> NDArray[np.int64]:
        return np.floor((points - self._low) / CELL).astype(np.int64)

    def take(self, points: Array) -> None:
        """Mark the squares of points (N, 2) and those next to them."""
        cells = self._cells(points)
        for offset in _AROUND:
            near = cells + offset
            inside = ((near >= 0) & (near < self._shape)).all(1)
            self._taken[near[inside, 0], near[inside, 1]] = True

    def take_block(self, block: Array) -> None:
        """Mark a rectangle given by its lowest and highest x, y (2, 2)."""
        low = np.clip(np.floor((block[0] - self._low) / CELL), 0, self._shape).astype(np.int64)
        high = np.clip(np.ceil((block[1] - self._low) / CELL), 0, self._shape).astype(np.int64)
        self._taken[low[0] : high[0], low[1] : high[1]] = True

    def is_free(self, points: Array, margin: float = 0.0) -> bool:
        """Whether points (N, 2), and all within `margin` metres of them, are inside and free."""
        cells = self._cells(points)
        around = np.unique(np.round(_RING * margin / CELL).astype(np.int64), axis=0)
        if (cells.min(0) + around.min(0) < 0).any() or (cells.max(0) + around.max(0) >= self._shape).any():
            return False
        return not any(self._taken[cells[:, 0] + i, cells[:, 1] + j].any() for i, j in around)


def shadow(points: Array) -> Array:
    """(N, 2) where points (N, 3) stand over the ground, without those above `HEADROOM`."""
    return points[points[:, 2] < HEADROOM, :2]


@dataclass
class Arrangement:
    """Groups in their places.

    Attributes:
        groups: those for which there was a place, the first one always.
        covered: (N, 2) where each of them stands over the ground.
    """

    groups: list[Group]
    covered: list[Array]

    @property
    def half_size(self) -> Array:
        """(2,) half the width and depth of what groups cover about the origin, metres."""
        return np.max([np.abs(c).max(0) for c in self.covered], axis=0)


def arrange(groups: Sequence[Group], rng: np.random.Generator, spread: float, tries: int = 24) -> Arrangement:
    """Turn and move groups so that they lie side by side around the origin without touching.

    Args:
        groups: the first one is always kept; others are left out where no place is found.
        rng: source of randomness.
        spread: metres of empty ground between two groups at most.
        tries: draws of a place for each group.

    Returns:
        The groups that were placed; the middle of what they cover is the origin.
    """
    floor = Floor(np.array([[-40.0, -40.0], [40.0, 40.0]]))
    placed: list[tuple[Group, Array]] = []
    covered: list[Array] = []
    for group in groups:
        points = shadow(group.points())
        turn = upright(vec(0, 0, 0), float(rng.uniform(0, 2 * np.pi)))
        middle = (points.min(0) + points.max(0)) / 2
        points = (points - middle) @ turn[:2, :2].T
        radius = float(np.linalg.norm(points, axis=1).max())
        for _ in range(tries if placed else 1):
            offset = np.zeros(2)
            if placed:
                reach = max(float(np.linalg.norm(c, axis=1).max()) for c in covered)
                angle = float(rng.uniform(0, 2 * np.pi))
                distance = float(rng.uniform(0.5, 1.0)) * (reach + radius) + float(rng.uniform(0.0, spread))
                offset = distance * vec(np.cos(angle), np.sin(angle))
            if not placed or floor.is_free(points + offset, 0.2):
                floor.take(points + offset)
                covered.append(points + offset)
                back = transform(None, vec(-middle[0], -middle[1], 0.0))
                placed.append((group, transform(None, vec(*offset, 0.0)) @ turn @ back))
                break
    everything = np.concatenate(covered)
    middle = (everything.min(0) + everything.max(0)) / 2
    for group, matrix in placed:
        group.move(transform(None, vec(-middle[0], -middle[1], 0.0)) @ matrix)
    return Arrangement([group for group, _ in placed], [c - middle for c in covered])
