"""Why a model found an interaction, as places in the image: what `HoiModel.explain` returns and pictures show."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Heat:
    """How much each place counts.

    Attributes:
        values: (h, w) float32, 0..1.
        extent: x1, y1, x2, y2 of what the map covers, in pixels of the image; may reach beyond it.
    """

    values: NDArray[np.float32]
    extent: tuple[float, float, float, float]


def _none(width: int) -> NDArray[np.float32]:
    return np.zeros((0, width), np.float32)


@dataclass(frozen=True)
class Panel:
    """One step of a model's way to an interaction.

    Attributes:
        title: what is shown.
        heat: a map over the image, or None.
        points: (K, 2) float32 x, y in pixels of the image.
        weights: (K,) float32, how much each point counts, 0..1.
        bones: pairs of points that a line joins.
        arrows: (A, 4) float32 x, y from where and x, y to where.
        pair: whether the interaction itself, with boxes and words, belongs into the picture.
    """

    title: str
    heat: Heat | None = None
    points: NDArray[np.float32] = field(default_factory=lambda: _none(2))
    weights: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32))
    bones: tuple[tuple[int, int], ...] = ()
    arrows: NDArray[np.float32] = field(default_factory=lambda: _none(4))
    pair: bool = False


@dataclass(frozen=True)
class Explanation:
    """How a model came to one interaction.

    Attributes:
        triplet: which one, an index into the interactions that come with the explanation.
        panels: its steps, row by row.
        columns: panels side by side; 0 for all of them.
    """

    triplet: int
    panels: tuple[Panel, ...]
    columns: int = 0

    def rows(self) -> list[tuple[Panel, ...]]:
        """The panels as they are shown."""
        columns = self.columns or max(len(self.panels), 1)
        return [self.panels[start : start + columns] for start in range(0, len(self.panels), columns)]
