"""The user's own meshes in place of the procedural ones.

A mesh is turned and scaled so that it fits the procedural model of its category best; that model's grips, seats and
other places are then carried over through the two bounding boxes and laid onto the mesh's surface.
"""

from __future__ import annotations

import os
import warnings
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations, product
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array, apply, closest_on_triangles, triangle_areas
from interplay.body.materials import Material, srgb
from interplay.body.meshes import Mesh
from interplay.body.raycast import RayScene
from interplay.containers.meshes import MeshFile, read_mesh
from interplay.errors import InputError, near_matches

from .base import Grip, ObjectModel, Spot
from .registry import FACTORIES, refined, spacing

MAX_TRIANGLES = 100_000
"""Meshes with more would make posing and rendering slow for nothing that is visible in a picture."""

MAX_PIECES = 1_000_000
"""The same of the small triangles that large ones are cut into."""

_SAMPLES = 1500
_FOREIGN_TURN = 1.25
"""By how much a turn other than the file format's convention must fit better to be taken."""
_GREY = srgb(150, 150, 150)


def load_user_meshes(paths: Mapping[str, str | os.PathLike[str]]) -> dict[str, ObjectModel]:
    """Read meshes that take the place of the procedural objects of their categories.

    Whatever its units, a mesh gets the usual size of its category: the diagonal of its bounding box becomes that of
    our own model. Of the 24 ways to turn a box, the one in which it resembles our model most is taken; glTF is read
    with y up, other formats with z up, unless another turn fits clearly better.

    Args:
        paths: category -> file (.glb, .gltf, .obj, .stl or .ply).

    Returns:
        Category -> model, for the `library` of `sample_scene` and `make_object`.

    Raises:
        InputError: a category or format that is unknown, or a mesh that is empty, flat, not finite or has more than
            `MAX_TRIANGLES` triangles.
        MissingFileError: no such file.
        MissingExtraError: trimesh is not installed.

    Warns:
        UserWarning: a mesh that is not closed, or whose proportions are far from what its category usually has.
    """
    return {category: _load(category, Path(path)) for category, path in paths.items()}


def _load(category: str, path: Path) -> ObjectModel:
    factory = FACTORIES.get(category)
    if factory is None:
        raise InputError(f"no object of the category {category!r} is used.{near_matches(category, FACTORIES)}")
    ours = factory(np.random.default_rng(0))
    found = read_mesh(path, MAX_TRIANGLES)
    if not found.closed:
        warnings.warn(f"{path}: the mesh is not closed; contact inside its gaps cannot be told", stacklevel=3)
    material, materials = _colors(found)
    mesh = Mesh(found.vertices, found.faces, material, materials)
    mesh = _fitted(mesh, ours.mesh, y_up=path.suffix.lower() in (".glb", ".gltf"))
    stretch = (mesh.bounds()[1] - mesh.bounds()[0]) / np.maximum(ours.size, 0.01)
    if stretch.max() > 4 or stretch.min() < 0.25:
        warnings.warn(
            f"{path}: width, depth and height are {_by(mesh)} m after scaling, where a {category} usually has "
            f"{_by(ours.mesh)} m; is it the right category?",
            stacklevel=3,
        )
    _check_size(mesh, path)
    return _carried(ours, mesh)


def _check_size(mesh: Mesh, path: Path) -> None:
    """Refuse triangles that would be cut into too many: labels need vertices close together."""
    corners = mesh.vertices[mesh.faces]
    longest = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(1)
    pieces = float((4.0 ** np.ceil(np.log2(np.maximum(longest / spacing(mesh), 1)))).sum())
    if pieces > MAX_PIECES:
        raise InputError(
            f"{path}: {len(mesh.faces):,} long triangles would have to be cut into about {pieces:,.0f}, more than "
            f"{MAX_PIECES:,}; remesh it with triangles of even size, with Blender's modifier Remesh for example"
        )


def _by(mesh: Mesh) -> str:
    return " x ".join(f"{v:.2f}" for v in mesh.bounds()[1] - mesh.bounds()[0])


def _colors(found: MeshFile) -> tuple[NDArray[np.int64], tuple[Material, ...]]:
    """One material a face, from its colour, rounded to a few dozen; grey where there is none."""
    if found.rgb is None:
        return np.zeros(len(found.faces), np.int64), (Material(_GREY, gloss=0.2),)
    rounded = np.clip(np.round(found.rgb / 36), 0, 7).astype(np.int64)
    codes, index = np.unique(rounded @ np.array([64, 8, 1]), return_inverse=True)
    means = [found.rgb[index == k].mean(0) for k in range(len(codes))]
    return index.astype(np.int64), tuple(Material(srgb(*m), gloss=0.2) for m in means)


def _fitted(mesh: Mesh, ours: Mesh, y_up: bool) -> Mesh:
    """Turned like `ours`, with its diagonal, standing where it stands."""
    from scipy.spatial import cKDTree

    target, points = _sampled(ours), _sampled(mesh)
    tree = cKDTree(target)
    usual = np.array([[1.0, 0, 0], [0, 0, -1], [0, 1, 0]]) if y_up else np.eye(3)  # what faces z faces -y then
    best, chosen = np.inf, usual
    for turn in _turns():
        moved = _boxed(points @ turn.T, ours.bounds())
        there = float(np.mean(tree.query(moved)[0]))
        back = float(np.mean(cKDTree(moved).query(target)[0]))
        misfit = (there + back) * (1.0 if np.allclose(turn, usual) else _FOREIGN_TURN)
        if misfit < best:
            best, chosen = misfit, turn
    turned = mesh.turned(chosen)
    return replace(turned, vertices=_boxed(turned.vertices, ours.bounds()))


def _boxed(points: Array, bounds: Array) -> Array:
    """Points scaled to the diagonal of `bounds` (2, 3), with the same middle and the same lowest height."""
    low, high = points.min(0), points.max(0)
    scale = float(np.linalg.norm(bounds[1] - bounds[0]) / np.linalg.norm(high - low))
    middle = (low + high) / 2
    moved = (points - middle) * scale + bounds.mean(0)
    moved[:, 2] += bounds[0, 2] - moved[:, 2].min()
    return moved


def _turns() -> list[Array]:
    """The 24 rotations (3, 3) that map axes to axes."""
    out = []
    for order in permutations(range(3)):
        for signs in product((1.0, -1.0), repeat=3):
            turn = np.zeros((3, 3))
            turn[np.arange(3), order] = signs
            if np.linalg.det(turn) > 0:
                out.append(turn)
    return out


def _sampled(mesh: Mesh) -> Array:
    """(_SAMPLES, 3) points spread over a surface, the same ones every time."""
    rng = np.random.default_rng(0)
    corners = mesh.vertices[mesh.faces]
    area = triangle_areas(corners)
    face = rng.choice(len(area), _SAMPLES, p=area / area.sum())
    u, v = np.sort(rng.random((2, _SAMPLES)), axis=0)
    weights = np.stack([u, v - u, 1 - v], 1)
    return np.einsum("nk,nkd->nd", weights, corners[face])


def _carried(ours: ObjectModel, mesh: Mesh) -> ObjectModel:
    """A model of `mesh` with the places of `ours`."""
    low, high = ours.mesh.bounds()
    new_low, new_high = mesh.bounds()
    factor = (new_high - new_low) / np.maximum(high - low, 1e-6)
    matrix = np.diag([*factor, 1.0])
    matrix[:3, 3] = new_low - factor * low
    triangles = mesh.vertices[mesh.faces]
    rays = RayScene([(mesh.vertices, mesh.faces)])
    thickness = float(np.median(factor))

    def grip(g: Grip) -> Grip:
        position = _nearest(apply(matrix, g.position), triangles, g.radius * thickness)
        return replace(g, position=position, radius=g.radius * thickness)

    def spot(s: Spot) -> Spot:
        reach = 0.35 * float(np.linalg.norm(new_high - new_low))
        position = _landed(apply(matrix, s.position), s.normal, reach, rays)
        across = np.cross(s.ahead, s.normal)
        size = (s.size[0] * float(np.abs(across) @ factor), s.size[1] * float(np.abs(s.ahead) @ factor))
        return replace(s, position=position, size=size)

    return ObjectModel(
        ours.category,
        refined(mesh),
        {name: grip(g) for name, g in ours.grips.items()},
        {name: spot(s) for name, s in ours.spots.items()},
        {name: apply(matrix, p) for name, p in ours.points.items()},
    )


def _nearest(point: Array, triangles: Array, depth: float) -> Array:
    """A point of a handle's axis, or the nearest point of the surface where it is further than `depth` from it."""
    closest = closest_on_triangles(np.broadcast_to(point, (len(triangles), 3)), triangles)
    found = closest[int(np.argmin(((closest - point) ** 2).sum(1)))]
    return point if np.linalg.norm(point - found) <= max(depth, 0.002) else found


def _landed(point: Array, normal: Array, reach: float, rays: RayScene) -> Array:
    """The first point of the surface that something falling against `normal` through a point meets."""
    hits = rays.cast((point + reach * normal)[None], -normal[None])
    fallen = float(hits.distance[0])
    return point if fallen > 2 * reach else point + (reach - fallen) * normal
