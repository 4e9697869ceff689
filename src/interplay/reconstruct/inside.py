"""How deep points are in a mesh, fast enough to ask in each step of a fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

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
_CUBE = 0.01  # metres within which one point of those that face alike is enough


class Inside:
    """A surface as points with normals, and a grid in its box of which each cell knows the nearest of them.

    Args:
        vertices, faces: (V, 3) metres and (F, 3).

    Attributes:
        points, normals: (N, 3) each, of the surface.
    """

    def __init__(self, vertices: Array, faces: NDArray[np.int64]) -> None:
        corners = vertices[faces]
        points, face = surface_samples(corners, SPACING)
        outward = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
        outward /= np.maximum(np.linalg.norm(outward, axis=1), 1e-12)[:, None]
        kept = _thinned(points, outward[face])
        self.points = torch.from_numpy(points[kept].astype(np.float32))
        self.normals = torch.from_numpy(outward[face[kept]].astype(np.float32))
        self._box = vertices.min(0), vertices.max(0)

    @cached_property
    def _grid(self) -> tuple[Tensor, float, Tensor, Tensor]:
        """Its low corner, the side of a cell, how many there are along each axis, and the nearest point of each; made
        when it is first needed, since that takes a second or two."""
        low, high = self._box
        extent = np.maximum(high - low, 1e-3)
        cell = max(_CELL, float(np.cbrt(np.prod(extent) / _MOST_CELLS)))
        count = np.maximum(np.ceil(extent / cell), 1).astype(np.int64)
        axes = [low[k] + (np.arange(count[k]) + 0.5) * cell for k in range(3)]
        middles = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
        # beyond that no point counts, wherever in its cell it is asked for
        bound = 2 * DEEPEST + cell
        _, nearest = cKDTree(self.points.double().numpy()).query(middles, distance_upper_bound=bound)
        nearest[nearest == len(self.points)] = 0
        return torch.from_numpy(low.astype(np.float32)), cell, torch.from_numpy(count), torch.from_numpy(nearest)

    def __call__(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Depth inside (...) of points (..., 3), in metres, 0 outside; of the nearest point of the surface the place
        and the normal (..., 3)."""
        low, side, count, known = self._grid
        cell = ((points - low) / side).floor().long()
        within = ((cell >= 0) & (cell < count)).all(-1)
        x, y, z = torch.where(within[..., None], cell, 0).unbind(-1)
        nearest = known[(x * count[1] + y) * count[2] + z]
        target, normal = self.points[nearest], self.normals[nearest]
        offset = target - points
        depth = (offset * normal).sum(-1)
        near = within & (offset.square().sum(-1) <= (2 * DEEPEST) ** 2)
        return torch.where(near, depth.clamp(min=0), 0), target, normal


def _thinned(points: Array, normals: Array) -> NDArray[np.int64]:
    """Indices of points (N, 3) of which no two are in one small cube and face alike, so that both sides of something
    thin stay: long and narrow triangles have many more points than their area needs."""
    cube = np.floor((points - points.min(0)) / _CUBE).astype(np.int64)
    facing = (normals > 0) @ np.array([1, 2, 4])
    _, kept = np.unique(np.ravel_multi_index((*cube.T, facing), (*cube.max(0) + 1, 8)), return_index=True)
    return np.sort(kept)


@dataclass(frozen=True)
class Solid:
    """A surface somewhere, and by how much it gives way.

    Attributes:
        surface: the mesh.
        scaled: what its points are multiplied by.
        gives: metres.
    """

    surface: Inside
    scaled: float = 1.0
    gives: float = DEPTH


class Around:
    """Several solids as one; a point is in the one that it is deepest in.

    Attributes:
        points, gives: (N, 3) and (N,) of all surfaces.
    """

    def __init__(self, solids: Sequence[Solid]) -> None:
        self.solids = tuple(solids)
        self.points = torch.cat([each.scaled * each.surface.points for each in self.solids])
        self.gives = torch.cat([torch.full((len(each.surface.points),), each.gives) for each in self.solids])

    def __call__(self, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Depth inside (...) of points (..., 3), the normal (..., 3) there, and by how much it gives way (...)."""
        first, *others = self.solids
        depth, normal, gives = self._in(first, points)
        for each in others:
            deep, across, soft = self._in(each, points)
            deeper = deep > depth
            depth, gives = torch.where(deeper, deep, depth), torch.where(deeper, soft, gives)
            normal = torch.where(deeper[..., None], across, normal)
        return depth, normal, gives

    @staticmethod
    def _in(solid: Solid, points: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        depth, _, normal = solid.surface(points / solid.scaled)
        return depth * solid.scaled, normal, torch.full_like(depth, solid.gives)
