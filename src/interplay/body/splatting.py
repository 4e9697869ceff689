"""Views of point clouds: each point a small disc that faces the camera, as PyTorch3D draws them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.errors import InputError

from .cameras import project, to_camera
from .geometry import Array

RADIUS = 0.05
"""Of PIAD's points, in units of half the image's width; LEMON's are drawn with 0.03."""


class _Discs(NamedTuple):
    """Where points cover pixels, front to back within each pixel.

    Attributes:
        pixel: (K,) index into the image's pixels, ascending.
        point: (K,) which point.
        weight: (K,) 1 at a point's middle, 0 at its edge.
        rank: (K,) how many points are in front of it in the pixel.
    """

    pixel: NDArray[np.int64]
    point: NDArray[np.int64]
    weight: Array
    rank: NDArray[np.int64]


def point_table(points: ArrayLike, R: ArrayLike, T: ArrayLike, size: int, radius: float = RADIUS) -> NDArray[np.int64]:
    """Which point each pixel of square views shows: (V, size, size), -1 where there is none.

    Args:
        points: (N, 3) in the world.
        R, T: (V, 3, 3) and (V, 3) of `interplay.body.cameras.look_at`.
        size: pixels on a side.
        radius: of a point, in units of half the image's width.

    Raises:
        InputError: arrays of other shapes, or a radius or size of nothing.
    """
    views = []
    for discs in _views(points, R, T, size, radius):
        table = np.full(size * size, -1)
        front = discs.rank == 0
        table[discs.pixel[front]] = discs.point[front]
        views.append(table.reshape(size, size))
    return np.stack(views)


def draw_points(
    points: ArrayLike,
    colours: ArrayLike,
    R: ArrayLike,
    T: ArrayLike,
    size: int,
    radius: float = RADIUS,
    per_pixel: int = 10,
) -> NDArray[np.uint8]:
    """Pictures (V, size, size, 3) of a point cloud, each pixel composed of its nearest points; white beside them.

    Args:
        points, R, T, size, radius: as of `point_table`.
        colours: (N, 3) in 0..1.
        per_pixel: how many points a pixel is composed of at most.
    """
    paint = np.asarray(colours, np.float64)
    views = []
    for discs in _views(points, R, T, size, radius):
        picture = np.ones((size * size, 3))
        picture[discs.pixel] = 0
        passing = np.ones(size * size)  # how much light comes through what is in front
        for rank in range(per_pixel):
            chosen = discs.rank == rank
            pixel, weight = discs.pixel[chosen], discs.weight[chosen]
            picture[pixel] += (passing[pixel] * weight)[:, None] * paint[discs.point[chosen]]
            passing[pixel] *= 1 - weight
        views.append((picture.clip(0, 1) * 255).astype(np.uint8).reshape(size, size, 3))
    return np.stack(views)


def position_colours(points: ArrayLike) -> Array:
    """(N, 3) colours in 0.1..0.9 by where a point is in the box around all, by which objects' views are painted."""
    p = np.asarray(points, np.float64)
    low, high = p.min(0), p.max(0)
    return (p - low) / np.maximum(high - low, 1e-12) * 0.8 + 0.1


def _views(points: ArrayLike, R: ArrayLike, T: ArrayLike, size: int, radius: float) -> list[_Discs]:
    cloud, rotations, shifts = (np.asarray(each, np.float64) for each in (points, R, T))
    if cloud.ndim != 2 or cloud.shape[1] != 3 or rotations.shape[1:] != (3, 3) or shifts.shape != rotations.shape[:2]:
        raise InputError(
            f"expected points (N, 3), R (V, 3, 3) and T (V, 3), got {cloud.shape}, {rotations.shape} and {shifts.shape}"
        )
    if size < 1 or radius <= 0:
        raise InputError(f"expected a size of 1 or more and a radius above 0, got {size} and {radius}")
    return [_discs(cloud, rotation, shift, size, radius) for rotation, shift in zip(rotations, shifts, strict=True)]


def _discs(points: Array, R: Array, T: Array, size: int, radius: float) -> _Discs:
    depth = to_camera(points, R, T)[:, 2]
    ordered = np.argsort(depth, kind="stable")  # near ones first, so that only pixels are left to sort
    ordered = ordered[depth[ordered] > 0]
    middle = project(points[ordered], R, T, size)[:, :2]
    reach = int(np.ceil(radius * size / 2)) + 1
    steps = np.arange(-reach, reach + 1)
    column, row = (np.floor(middle[:, axis, None]) + steps for axis in (0, 1))  # (N, 2 reach + 1)
    across, down = (
        np.where((place >= 0) & (place < size), ((place + 0.5 - middle[:, axis, None]) * (2 / size / radius)) ** 2, 1)
        for axis, place in ((0, column), (1, row))
    )
    share = down[:, :, None] + across[:, None, :]
    point, dy, dx = np.nonzero(share < 1)
    pixel = (row[point, dy] * size + column[point, dx]).astype(np.int64)
    order = np.argsort(pixel, kind="stable")
    pixel, point, weight = pixel[order], ordered[point[order]], 1 - share[point, dy, dx][order]
    starts = np.flatnonzero(np.diff(pixel, prepend=-1))
    rank = np.arange(len(pixel)) - np.repeat(starts, np.diff(starts, append=len(pixel)))
    return _Discs(pixel, point, weight, rank)
