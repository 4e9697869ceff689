"""How good a reconstruction of a person and an object together is."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from interplay.body.geometry import Array, triangle_areas
from interplay.body.proximity import signed_distance, surface_samples
from interplay.body.raycast import check_mesh
from interplay.errors import InputError
from interplay.ops.backends import to_numpy

SAMPLES = 10_000
_REACH = 0.3


class ChamferDistances(NamedTuple):
    """Metres, of the person's surface and of the object's."""

    human: float
    object: float


def chamfer_distance(first: Any, second: Any) -> float:
    """Mean distance to the nearest point of the other set, the mean of both directions.

    Args:
        first, second: (N, 3) and (M, 3) points.

    Raises:
        InputError: no points, another shape, or numbers that are not finite.

    Example:
        >>> chamfer_distance([[0.0, 0, 0]], [[0.0, 0, 1], [0, 0, 3]])
        1.5
    """
    a, b = _points(first, "first"), _points(second, "second")
    return float((cKDTree(b).query(a)[0].mean() + cKDTree(a).query(b)[0].mean()) / 2)


def aligned_chamfer(
    predicted_human: Any,
    predicted_object: Any,
    true_human: Any,
    true_object: Any,
    human_faces: Any,
    object_faces: Any,
    align: Literal["both", "human"] = "both",
    true_object_faces: Any = None,
) -> ChamferDistances:
    """Chamfer distances after Procrustes' alignment: moved, turned and scaled as one.

    Args:
        predicted_human, true_human: (V, 3) vertices of the same body.
        predicted_object, true_object: (W, 3) vertices of the same object; with ``align="human"`` also of another.
        human_faces, object_faces: (F, 3).
        align: by the vertices of both, as CHORE and InteractVLM do, or of the person alone.
        true_object_faces: (G, 3) where these are others than those of the prediction.

    Raises:
        InputError: meshes of other shapes, or not finite.

    Source: Xie et al., CHORE, ECCV 2022, section 4; the distance is that of `chamfer_distance` between 10,000 points
    of each surface.
    """
    import torch

    from interplay.body.alignment import align as similarity
    from interplay.body.alignment import transformed

    if align not in ("both", "human"):
        raise InputError(f"align: expected 'both' or 'human', got {align!r}")
    pairs = []
    other = object_faces if true_object_faces is None else true_object_faces
    for name, predicted, true, faces, true_faces in (
        ("human", predicted_human, true_human, human_faces, human_faces),
        ("object", predicted_object, true_object, object_faces, other),
    ):
        a, b = _points(predicted, f"predicted_{name}"), _points(true, f"true_{name}")
        if a.shape != b.shape and (name == "human" or align == "both"):
            aside = "; another mesh can be scored when aligned by the human" if name == "object" else ""
            raise InputError(f"{name}: expected as many vertices in both, got {len(a)} and {len(b)}{aside}")
        triangles, true_triangles = to_numpy(faces), to_numpy(true_faces)
        check_mesh(a, triangles)
        check_mesh(b, true_triangles)
        pairs.append((a, b, triangles, true_triangles))
    chosen = pairs if align == "both" else pairs[:1]
    source, target = (torch.from_numpy(np.concatenate([pair[k] for pair in chosen])) for k in (0, 1))
    found = similarity(source, target, scale=True)
    distances = []
    for a, b, triangles, true_triangles in pairs:
        moved = transformed(torch.from_numpy(a), *found).numpy()
        distances.append(chamfer_distance(_on_surface(moved, triangles), _on_surface(b, true_triangles)))
    return ChamferDistances(*distances)


def penetration_volume(
    human_vertices: Any, human_faces: Any, object_vertices: Any, object_faces: Any, spacing: float = 0.01
) -> float:
    """Cubic metres that are inside the person and inside the object.

    Counted on a grid; what is deeper than 30 cm below a surface is left out. An open mesh has no inside, and gives
    what lies behind its triangles.

    Args:
        human_vertices, human_faces, object_vertices, object_faces: (V, 3) metres and (F, 3), counter-clockwise seen
            from outside.
        spacing: of the grid, metres.

    Raises:
        InputError: meshes of other shapes, or not finite, or a spacing that is not positive.
    """
    if not spacing > 0:
        raise InputError(f"spacing: expected a positive number of metres, got {spacing}")
    meshes = []
    for vertices, faces in ((human_vertices, human_faces), (object_vertices, object_faces)):
        points, triangles = to_numpy(vertices).astype(np.float64), to_numpy(faces)
        check_mesh(points, triangles)
        meshes.append((points, triangles))
    low = np.maximum(*(points.min(0) for points, _ in meshes))
    high = np.minimum(*(points.max(0) for points, _ in meshes))
    if (low >= high).any():
        return 0.0
    count = np.ceil((high - low) / spacing).astype(np.int64)
    if count.prod() > 20_000_000:
        raise InputError(f"spacing: {spacing} m gives a grid of {count.prod():,} points; use a larger one")
    axes = [low[k] + (np.arange(count[k]) + 0.5) * (high[k] - low[k]) / count[k] for k in range(3)]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    for points, triangles in meshes:
        grid = grid[signed_distance(grid, points, triangles, _REACH) < 0]
    return float(len(grid) * np.prod((high - low) / count))


def _points(points: Any, name: str) -> Array:
    array = to_numpy(points).astype(np.float64)
    if array.ndim != 2 or array.shape[1] != 3 or not len(array):
        raise InputError(f"{name}: expected points (N, 3), got {array.shape}")
    if not np.isfinite(array).all():
        raise InputError(f"{name}: some coordinates are not finite numbers")
    return array


def _on_surface(vertices: Array, faces: NDArray[Any]) -> Array:
    """Points evenly spread over a surface, the same ones for the same triangles."""
    rng = np.random.default_rng(0)
    corners = vertices[faces]
    area = triangle_areas(corners)
    if not area.sum() > 0:
        return surface_samples(corners)[0]
    face = rng.choice(len(faces), SAMPLES, p=area / area.sum())
    root, v = np.sqrt(rng.random(SAMPLES)), rng.random(SAMPLES)
    weights = np.stack([1 - root, root * (1 - v), root * v], 1)
    return np.einsum("nk,nkd->nd", weights, corners[face])
