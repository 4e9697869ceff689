"""First hits and occlusion of rays, by Embree."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.errors import MissingExtraError

from .geometry import Array


@dataclass(frozen=True)
class Hits:
    """First hits of N rays.

    Attributes:
        mesh: (N,) index of the mesh, -1 for a miss.
        face: (N,) index of the face in that mesh.
        weights: (N, 3) barycentric coordinates of the hit.
        distance: (N,) along the ray, in units of its direction; infinite for a miss.
    """

    mesh: NDArray[np.int64]
    face: NDArray[np.int64]
    weights: Array
    distance: Array


class RayScene:
    """Triangle meshes that rays can be cast at.

    Args:
        meshes: (vertices (V, 3), faces (F, 3)) each.
    """

    def __init__(self, meshes: Sequence[tuple[Array, NDArray[np.int64]]]) -> None:
        try:
            from embreex.mesh_construction import TriangleMesh
            from embreex.rtcore_scene import EmbreeScene
        except ImportError as error:
            raise MissingExtraError("body", "embreex") from error
        self._scene = EmbreeScene()
        self._keep = [
            TriangleMesh(self._scene, np.ascontiguousarray(v, np.float32), np.ascontiguousarray(f, np.int32))
            for v, f in meshes
        ]

    def cast(self, origins: Array, directions: Array) -> Hits:
        """First hit of each ray (N, 3); directions need not be of unit length."""
        raw = self._scene.run(_rays(origins, directions), _f32(directions), query="INTERSECT", output=1)
        mesh = raw["geomID"].astype(np.int64)
        hit = mesh >= 0
        u, v = raw["u"].astype(np.float64), raw["v"].astype(np.float64)
        return Hits(
            mesh=mesh,
            face=np.where(hit, raw["primID"], 0).astype(np.int64),
            weights=np.stack([1 - u - v, u, v], 1),
            distance=np.where(hit, raw["tfar"], np.inf).astype(np.float64),
        )

    def occluded(self, origins: Array, directions: Array, reach: float | None = None) -> NDArray[np.bool_]:
        """(N,) whether anything lies along each ray, within `reach` lengths of its direction."""
        dists = None if reach is None else np.full(len(directions), reach, np.float32)
        found = self._scene.run(_rays(origins, directions), _f32(directions), dists=dists, query="OCCLUDED")
        return np.asarray(found) >= 0


def _f32(array: Array) -> NDArray[np.float32]:
    return np.ascontiguousarray(array, np.float32)


def _rays(origins: Array, directions: Array) -> NDArray[np.float32]:
    return np.ascontiguousarray(np.broadcast_to(origins, directions.shape), np.float32)
