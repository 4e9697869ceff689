"""Gaussians on heatmaps: how large, how wide, how drawn."""

from __future__ import annotations

import math
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

Heatmap = NDArray[np.float32]

OVERLAP = 0.7
"""A box moved by the radius still overlaps the original by this much (intersection over union)."""


def radius(height: float, width: float) -> int:
    """Radius in pixels for a box of this size, as CornerNet's published code has it.

    Corners may both move inwards, both outwards, or one each way; the smallest of the three distances counts. The
    three quadratic equations are solved as (b + sqrt(b^2 - 4ac)) / 2, without dividing by a, for all of them.
    """
    total, area = height + width, height * width
    roots = []
    for a, b, c in (
        (1.0, total, area * (1 - OVERLAP) / (1 + OVERLAP)),
        (4.0, 2 * total, (1 - OVERLAP) * area),
        (4 * OVERLAP, -2 * OVERLAP * total, (OVERLAP - 1) * area),
    ):
        roots.append((b + math.sqrt(b * b - 4 * a * c)) / 2)
    return max(0, int(min(roots)))


@lru_cache(maxsize=1024)
def gaussian(radius: int, factor: int) -> Heatmap:
    """(2r + 1, 2r + 1) Gaussian with 1 in the middle and standard deviation ``(2r + 1) / factor``.

    Values below the resolution of a double are 0. The array is shared: do not write to it.
    """
    sigma = (2 * radius + 1) / factor
    reach = np.arange(-radius, radius + 1, dtype=np.float64)
    values = np.exp(-(reach[:, None] ** 2 + reach[None, :] ** 2) / (2 * sigma * sigma))
    values[values < np.finfo(np.float64).eps] = 0
    out = values.astype(np.float32)
    out.setflags(write=False)
    return out


def draw_positive(heatmap: Heatmap, x: int, y: int, radius: int, factor: int = 6) -> None:
    """Raise one map (h, w) to a Gaussian around a pixel, in place, where it is lower."""
    patch, window = _overlap(heatmap.shape, x, y, radius)
    np.maximum(heatmap[patch], gaussian(radius, factor)[window], out=heatmap[patch])


def draw_hard_negatives(
    heatmaps: Heatmap, channels: NDArray[np.int64], x: int, y: int, radius: int, factor: int = 6
) -> None:
    """Lower some of the maps (C, h, w) to a negative Gaussian around a pixel, in place.

    A channel is left as it is unless the largest value of its patch is exactly 0: where a positive is near, and where
    a negative fills the whole patch already.
    """
    patch, window = _overlap(heatmaps.shape[1:], x, y, radius)
    values = heatmaps[channels, patch[0], patch[1]]  # (channels, h', w'), a copy
    free = values.max((1, 2), initial=-np.inf) == 0
    heatmaps[channels[free], patch[0], patch[1]] = np.minimum(values[free], -gaussian(radius, factor)[window])


def combine_all(positive: Heatmap, negative: Heatmap) -> Heatmap:
    """Maps of positive and of hard negative Gaussians (both 0..1) as one, -1..1: the stronger, positive if equal."""
    return np.where(negative > positive, -negative, positive)


def _overlap(shape: tuple[int, ...], x: int, y: int, radius: int) -> tuple[tuple[slice, slice], tuple[slice, slice]]:
    """Where a square around a pixel lies on a map, and which part of the square lies there."""
    height, width = shape
    left, right = min(x, radius), min(width - x, radius + 1)
    above, below = min(y, radius), min(height - y, radius + 1)
    patch = slice(y - above, y + below), slice(x - left, x + right)
    return patch, (slice(radius - above, radius + below), slice(radius - left, radius + right))
