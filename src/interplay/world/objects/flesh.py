"""Bodies of animals: limbs that run into one another, as one closed surface."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interplay.body.geometry import Array
from interplay.body.materials import Material
from interplay.body.meshes import Mesh, surface

Limb = tuple[ArrayLike, ArrayLike]
"""A path (N, 3) and the radius at each of its points (N,)."""


def flesh(limbs: Sequence[Limb], material: Material, cell: float, blend: float) -> Mesh:
    """One closed surface around limbs, rounded where they meet.

    Args:
        limbs: paths of round cross-section.
        material: of the surface.
        cell: metres between the points at which the distance to the limbs is taken; the size of the triangles.
        blend: metres over which two limbs run into one another.
    """
    lines = [(np.asarray(path, np.float64), np.asarray(radii, np.float64)) for path, radii in limbs]
    reach = max(float(radii.max()) for _, radii in lines) + 3 * cell
    corners = np.concatenate([path for path, _ in lines])
    low, high = corners.min(0) - reach, corners.max(0) + reach
    axes = [np.arange(a, b, cell) for a, b in zip(low, high, strict=True)]
    points = np.stack(np.meshgrid(*axes, indexing="ij"), -1)
    total = np.zeros(points.shape[:3])
    for path, radii in lines:
        nearest = np.full(points.shape[:3], np.inf)
        for a, b, r, s in zip(path[:-1], path[1:], radii[:-1], radii[1:], strict=True):
            share = np.clip((points - a) @ (b - a) / ((b - a) @ (b - a)), 0, 1)
            away = np.linalg.norm(points - a - share[..., None] * (b - a), axis=-1)
            nearest = np.minimum(nearest, away - r - share * (s - r))
        total += np.exp(-np.clip(nearest, -50 * blend, 50 * blend) / blend)
    distance = np.round(-blend * np.log(total), 6)
    vertices, faces = surface_net(distance)
    return surface(low + cell * vertices, faces, material)


def surface_net(values: Array) -> tuple[Array, NDArray[np.int64]]:
    """The closed surface on which values on a grid change their sign (naive surface nets; Gibson, MICCAI 1998).

    Args:
        values: (X, Y, Z), negative inside; positive on the grid's border.

    Returns:
        (V, 3) vertices in cells of the grid, and (F, 3) triangles, counter-clockwise seen from outside.
    """
    inside = values < 0
    shape = np.array(values.shape) - 1
    total, count = np.zeros((*shape, 3)), np.zeros(tuple(shape), np.int64)
    for axis in range(3):
        others = [k for k in range(3) if k != axis]
        a = tuple(slice(None, -1) if k == axis else slice(None) for k in range(3))
        b = tuple(slice(1, None) if k == axis else slice(None) for k in range(3))
        where = np.argwhere(inside[a] != inside[b])
        start, end = values[a][tuple(where.T)], values[b][tuple(where.T)]
        crossing = where.astype(np.float64)
        crossing[:, axis] += start / (start - end)
        for i in (0, 1):  # each edge of the grid belongs to four cells
            for j in (0, 1):
                cell = where.copy()
                cell[:, others[0]] -= i
                cell[:, others[1]] -= j
                np.add.at(total, tuple(cell.T), crossing)
                np.add.at(count, tuple(cell.T), 1)
    used = count > 0
    number = np.full(tuple(shape), -1)
    number[used] = np.arange(int(used.sum()))
    faces = []
    for axis in range(3):
        u, v = (axis + 1) % 3, (axis + 2) % 3
        a = tuple(slice(None, -1) if k == axis else slice(None) for k in range(3))
        b = tuple(slice(1, None) if k == axis else slice(None) for k in range(3))
        where = np.argwhere(inside[a] != inside[b])
        outward = inside[a][tuple(where.T)]  # from inside to outside along the axis
        ring = []
        for i, j in ((1, 1), (0, 1), (0, 0), (1, 0)):
            cell = where.copy()
            cell[:, u] -= i
            cell[:, v] -= j
            ring.append(number[tuple(cell.T)])
        quad = np.stack(ring, 1)
        quad = np.where(outward[:, None], quad, quad[:, ::-1])
        faces += [quad[:, [0, 1, 2]], quad[:, [0, 2, 3]]]
    return total[used] / count[used][:, None], np.concatenate(faces)
