"""How deep points are in a mesh, fast enough to ask in each step of a fit."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from torch import Tensor

from interplay.body.contact import DEPTH
from interplay.body.geometry import Array
from interplay.body.proximity import surface_samples

SPACING = 0.03
"""Metres between points of the surface."""
DEEPEST = 0.15
"""Metres; what is deeper inside is not worse."""

_CELL, _MOST_CELLS = 0.02, 200_000


class Inside:
    """A surface as points with normals, and a grid in its box of which each cell knows the nearest of them.

    Args:
        vertices, faces: (V, 3) metres and (F, 3).
        gives: (F,) metres by which triangles give way; as flesh does if None.

    Attributes:
        points, normals, gives: (N, 3), (N, 3) and (N,) of the surface.
    """

    def __init__(self, vertices: Array, faces: NDArray[np.int64], gives: Array | None = None) -> None:
        corners = vertices[faces]
        points, face = surface_samples(corners, SPACING)
        outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outward /= np.maximum(np.linalg.norm(outward, axis=1), 1e-12)[:, None]
        low, high = vertices.min(0), vertices.max(0)
        extent = np.maximum(high - low, 1e-3)
        cell = max(_CELL, float(np.cbrt(np.prod(extent) / _MOST_CELLS)))
        count = np.maximum(np.ceil(extent / cell), 1).astype(np.int64)
        axes = [low[k] + (np.arange(count[k]) + 0.5) * cell for k in range(3)]
        middles = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
        _, nearest = cKDTree(points).query(middles)
        self._nearest = torch.from_numpy(nearest)
        self._low, self._cell, self._count = (
            torch.from_numpy(low.astype(np.float32)),
            cell,
            torch.from_numpy(count),
        )
        self.points = torch.from_numpy(points.astype(np.float32))
        self.normals = torch.from_numpy(outward[face].astype(np.float32))
        flesh = np.full(len(faces), DEPTH) if gives is None else gives
        self.gives = torch.from_numpy(flesh[face].astype(np.float32))

    def __call__(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
        """Depth inside (...) of points (..., 3), in metres, 0 outside; of the nearest point of the surface the place
        and the normal (..., 3), and by how much it gives way (...)."""
        cell = ((points - self._low) / self._cell).floor().long()
        within = ((cell >= 0) & (cell < self._count)).all(-1)
        x, y, z = torch.where(within[..., None], cell, 0).unbind(-1)
        nearest = self._nearest[(x * self._count[1] + y) * self._count[2] + z]
        target, normal = self.points[nearest], self.normals[nearest]
        offset = target - points
        depth = (offset * normal).sum(-1)
        near = within & (offset.square().sum(-1) <= (2 * DEEPEST) ** 2)
        return torch.where(near, depth.clamp(min=0), 0), target, normal, self.gives[nearest]
