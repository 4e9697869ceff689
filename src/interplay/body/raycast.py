"""First hits and occlusion of rays, by Embree; what the pixels of a view show."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interplay.errors import InputError, MissingExtraError
from interplay.ops.backends import to_numpy

from .cameras import HALF_WIDTH
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


def pixel_table(vertices: Any, faces: Any, R: Any, T: Any, size: int) -> tuple[Any, Any]:
    """Which triangle each pixel of square views shows, and where in it: what lifts masks to vertices.

    Args:
        vertices: (N, 3) numbers, in the world of the views.
        faces: (F, 3) indices of vertices.
        R, T: (3, 3) and (3,) of `interplay.body.cameras.look_at`, or (V, 3, 3) and (V, 3) for several views.
        size: pixels on a side.

    Returns:
        pix_to_face: (size, size) or (V, size, size) int64, -1 where there is nothing.
        bary: (..., 3) float32 barycentric coordinates of the point that is seen, -1 where there is nothing. They are
            those of the point in space, not of its image ("perspective-correct").

    Tensors in, tensors out, on the same device; the rays are cast on the processor.

    Raises:
        MissingExtraError: embreex is not installed.
        InputError: arrays of other shapes, faces that name no vertex, coordinates that are not finite.
    """
    given = (vertices, faces, R, T)
    points, triangles, rotation, translation = (to_numpy(each) for each in given)
    check_mesh(points, triangles)
    if rotation.shape[-2:] != (3, 3) or rotation.ndim not in (2, 3) or translation.shape != rotation.shape[:-1]:
        raise InputError(
            f"expected R (3, 3) and T (3,), or (V, 3, 3) and (V, 3); got {rotation.shape} and {translation.shape}"
        )
    if size < 1:
        raise InputError(f"size: expected 1 pixel or more, got {size}")
    scene = RayScene([(points, triangles)])
    views = [
        _view_table(scene, r, t, size)
        for r, t in zip(rotation.reshape(-1, 3, 3), translation.reshape(-1, 3), strict=True)
    ]
    shape = (*rotation.shape[:-2], size, size)
    face = np.stack([f for f, _ in views]).reshape(shape)
    weights = np.stack([w for _, w in views]).reshape(*shape, 3)
    tensor = next((each for each in given if hasattr(each, "detach")), None)
    if tensor is None:
        return face, weights
    import torch

    return torch.from_numpy(face).to(tensor.device), torch.from_numpy(weights).to(tensor.device)


def _view_table(scene: RayScene, R: Array, T: Array, size: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
    """One view's face (size, size) and weights (size, size, 3)."""
    # of pixel centres; x of the camera points to the left and y up
    steps = (1 - (2 * np.arange(size) + 1) / size) * HALF_WIDTH
    y, x = np.meshgrid(steps, steps, indexing="ij")
    directions = np.stack([x.ravel(), y.ravel(), np.ones(size * size)], 1) @ R.T
    hits = scene.cast(-T @ R.T, directions)
    there = hits.mesh >= 0
    face = np.where(there, hits.face, -1)
    weights = np.where(there[:, None], hits.weights, -1).astype(np.float32)
    return face.reshape(size, size), weights.reshape(size, size, 3)


def check_mesh(vertices: NDArray[Any], faces: NDArray[Any]) -> None:
    """Refuse what is no mesh of triangles.

    Raises:
        InputError: other shapes, faces that name no vertex, coordinates that are not finite.
    """
    if vertices.ndim != 2 or vertices.shape[1] != 3 or faces.ndim != 2 or faces.shape[1] != 3 or not len(faces):
        raise InputError(f"expected vertices (N, 3) and faces (F, 3), got {vertices.shape} and {faces.shape}")
    if faces.dtype.kind not in "iu":
        raise InputError(f"faces: expected whole numbers, got {faces.dtype}")
    if faces.min() < 0 or faces.max() >= len(vertices):
        raise InputError(
            f"faces: expected indices of {len(vertices)} vertices, got {faces.min()} to {faces.max()}; "
            "is the first vertex number 0?"
        )
    if not np.isfinite(vertices).all():
        raise InputError("vertices: some coordinates are not finite numbers")
