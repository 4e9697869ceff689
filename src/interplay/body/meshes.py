"""Triangle meshes with materials, and the few shapes from which every object is built.

A shape is a `Mesh`; `join` puts several together. Edges that should look hard have their vertices twice, so that
the averaged vertex normals need no angle threshold.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .geometry import Array, Z, apply, cross, frame, orthogonal, polyline, unit, vec
from .materials import Material

CREASE = np.radians(35.0)
"""Profiles that turn by more than this get a hard edge."""


@dataclass(frozen=True)
class Mesh:
    """Triangles with a material each.

    Attributes:
        vertices: (V, 3) metres, in the object's frame.
        faces: (F, 3) int64, counter-clockwise seen from outside.
        face_material: (F,) int64 index into `materials`.
        materials: the materials.
    """

    vertices: Array
    faces: NDArray[np.int64]
    face_material: NDArray[np.int64]
    materials: tuple[Material, ...]

    def moved(self, matrix: Array) -> Mesh:
        """The mesh moved by a transform (4, 4); mirrored ones keep their outside outside."""
        faces = self.faces if np.linalg.det(matrix[:3, :3]) > 0 else self.faces[:, ::-1]
        return replace(self, vertices=apply(matrix, self.vertices), faces=faces)

    def scaled(self, factors: ArrayLike) -> Mesh:
        """The mesh scaled about the origin by one or three factors."""
        return self.moved(np.diag([*np.broadcast_to(np.asarray(factors, np.float64), 3), 1.0]))

    def at(self, *offset: float) -> Mesh:
        """The mesh shifted by `offset` (3 numbers)."""
        return replace(self, vertices=self.vertices + vec(*offset))

    def turned(self, rotation: Array) -> Mesh:
        """The mesh rotated by (3, 3) about the origin."""
        return replace(self, vertices=self.vertices @ rotation.T)

    def bounds(self) -> Array:
        """(2, 3) lowest and highest corner."""
        return np.stack([self.vertices.min(0), self.vertices.max(0)])

    def normals(self) -> Array:
        """(V, 3) unit normals, averaged over the faces at each vertex by area."""
        return vertex_normals(self.vertices, self.faces)


def vertex_normals(vertices: Array, faces: NDArray[np.int64]) -> Array:
    """Area-weighted unit normals (V, 3) of a mesh."""
    corners = vertices[faces]
    face_normal = cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    index = faces.T.reshape(-1)
    total = np.stack([np.bincount(index, np.tile(face_normal[:, axis], 3), len(vertices)) for axis in range(3)], 1)
    return unit(total)


def join(parts: Iterable[Mesh]) -> Mesh:
    """One mesh of several; equal materials are shared."""
    vertices, faces, materials, chosen = [], [], [], []
    position: dict[Material, int] = {}
    count = 0
    for part in parts:
        index = np.array([position.setdefault(m, len(position)) for m in part.materials], np.int64)
        vertices.append(part.vertices)
        faces.append(part.faces + count)
        chosen.append(index[part.face_material])
        count += len(part.vertices)
    materials = list(position)
    return Mesh(np.concatenate(vertices), np.concatenate(faces), np.concatenate(chosen), tuple(materials))


def surface(vertices: ArrayLike, faces: ArrayLike, material: Material) -> Mesh:
    """A mesh of one material from arrays."""
    f = np.asarray(faces, np.int64).reshape(-1, 3)
    return Mesh(np.asarray(vertices, np.float64).reshape(-1, 3), f, np.zeros(len(f), np.int64), (material,))


def loft(rings: ArrayLike, material: Material, *, closed: bool = True, capped: bool = True) -> Mesh:
    """Skin over a row of rings.

    Args:
        rings: (N, K, 3) points; a ring runs counter-clockwise seen from the end that the row leads to.
        material: of all faces.
        closed: whether each ring's last point joins its first.
        capped: whether the first and the last ring are filled (they must be convex or star-shaped).
    """
    r = np.asarray(rings, np.float64)
    n, k = r.shape[:2]
    row, column = np.meshgrid(np.arange(n - 1), np.arange(k if closed else k - 1), indexing="ij")
    a = (row * k + column).ravel()
    b = (row * k + (column + 1) % k).ravel()
    faces = np.concatenate([np.stack([a, b, b + k], 1), np.stack([a, b + k, a + k], 1)])
    sides = surface(r.reshape(-1, 3), faces, material)
    if not capped:
        return sides
    return join([sides, _fan(r[0][::-1], material), _fan(r[-1], material)])


def _fan(ring: Array, material: Material) -> Mesh:
    k = len(ring)
    index = np.arange(k)
    return surface(np.vstack([ring, ring.mean(0)]), np.stack([index, (index + 1) % k, np.full(k, k)], 1), material)


def box(size: Sequence[float], material: Material, center: Sequence[float] = (0, 0, 0)) -> Mesh:
    """A box with hard edges; `size` and `center` are 3 numbers."""
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) * 0.5
    sides = np.array([[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]])
    vertices = (corners * vec(*size) + vec(*center))[sides].reshape(-1, 3)
    first = np.arange(6)[:, None] * 4
    return surface(vertices, np.concatenate([first + np.array([0, 1, 2]), first + np.array([0, 2, 3])]), material)


def circle(radius: float, segments: int = 16, start: float = 0.0) -> Array:
    """(segments, 2) points, counter-clockwise."""
    angle = start + 2 * np.pi * np.arange(segments) / segments
    return radius * np.stack([np.cos(angle), np.sin(angle)], 1)


def lathe(profile: ArrayLike, material: Material, segments: int = 20) -> Mesh:
    """A profile (N, 2) of (radius, height), from below to above on the outside, turned about the z axis."""
    p = np.asarray(profile, np.float64)
    parts = []
    for run in _smooth_runs(p):
        angle = 2 * np.pi * np.arange(segments) / segments
        ring = np.stack([np.cos(angle), np.sin(angle)], 1)
        rings = np.concatenate(
            [run[:, :1, None] * ring[None], np.broadcast_to(run[:, 1:, None], (len(run), segments, 1))], 2
        )
        parts.append(loft(rings, material, capped=False))
    return join(parts)


def _smooth_runs(points: Array) -> list[Array]:
    """A polyline cut where it turns sharply; each piece keeps its ends."""
    step = np.diff(points, axis=0)
    direction = unit(np.pad(step, ((0, 0), (0, 3 - step.shape[1]))))
    turn = np.arccos(np.clip((direction[1:] * direction[:-1]).sum(1), -1, 1))
    cuts = [0, *(np.nonzero(turn > CREASE)[0] + 1), len(points) - 1]
    return [points[a : b + 1] for a, b in pairwise(cuts)]


def cylinder(
    start: ArrayLike,
    end: ArrayLike,
    radius: float,
    material: Material,
    end_radius: float | None = None,
    segments: int = 14,
) -> Mesh:
    """A (truncated) cone between two points (3,)."""
    a, b = np.asarray(start, np.float64), np.asarray(end, np.float64)
    axis = unit(b - a)
    side = orthogonal(axis)
    basis = np.stack([side, cross(axis, side)])
    ring = circle(1.0, segments) @ basis
    return loft(np.stack([a + radius * ring, b + (radius if end_radius is None else end_radius) * ring]), material)


def ellipsoid(
    center: ArrayLike, radii: ArrayLike | float, material: Material, segments: int = 16, rows: int = 9
) -> Mesh:
    """An ellipsoid with three radii (or one)."""
    angle = np.linspace(-np.pi / 2, np.pi / 2, rows)
    ring = circle(1.0, segments)
    rings = np.concatenate(
        [
            np.cos(angle)[:, None, None] * ring[None],
            np.broadcast_to(np.sin(angle)[:, None, None], (rows, segments, 1)),
        ],
        2,
    )
    scale = np.broadcast_to(np.asarray(radii, np.float64), 3)
    return loft(rings * scale + np.asarray(center, np.float64), material, capped=False)


def tube(
    path: ArrayLike,
    radius: float | ArrayLike,
    material: Material,
    *,
    closed: bool = False,
    segments: int = 10,
    spacing: float | None = None,
) -> Mesh:
    """A round tube along a path (N, 3), smoothed through its points when `spacing` is given.

    Args:
        path: the points.
        radius: one, or one for each point of `path` (then without `spacing`).
        material: of the tube.
        closed: whether the path is a loop.
        segments: corners of the cross-section.
        spacing: distance between rings along the smoothed path, in metres.
    """
    p = np.asarray(path, np.float64)
    if spacing is not None:
        p = polyline(np.vstack([p, p[:1]]) if closed else p, spacing)
        p = p[:-1] if closed else p
    profile = circle(1.0, segments)
    rings = sweep_frames(p, closed)
    r = np.broadcast_to(np.asarray(radius, np.float64), len(p))
    points = p[:, None] + r[:, None, None] * (
        profile[:, 0, None] * rings[:, None, 0] + profile[:, 1, None] * rings[:, None, 1]
    )
    if closed:
        return loft(np.concatenate([points, points[:1]]), material, capped=False)
    return loft(points, material)


def sweep_frames(path: Array, closed: bool = False) -> Array:
    """Two unit vectors (N, 2, 3) across a path (N, 3), carried along it with as little turning as possible."""
    tangent = unit(np.roll(path, -1, 0) - np.roll(path, 1, 0)) if closed else unit(np.gradient(path, axis=0))
    side = orthogonal(tangent[0])
    planar = np.linalg.matrix_rank(path - path.mean(0), tol=1e-6) <= 2
    if planar and len(path) > 2:  # a flat curve: its own normal never twists
        side = unit(np.linalg.svd(path - path.mean(0))[2][-1])
    out = np.empty((len(path), 2, 3))
    for i, t in enumerate(tangent):
        side = unit(side - (side @ t) * t)
        out[i] = side, cross(t, side)
    return out


def ring(center: ArrayLike, axis: ArrayLike, radius: float, thickness: float, material: Material) -> Mesh:
    """A torus about `axis` with a tube of radius `thickness`."""
    basis = frame(axis, orthogonal(np.asarray(axis, np.float64)))[:, 1:]
    loop = np.asarray(center, np.float64) + circle(radius, 32) @ basis.T
    return tube(loop, thickness, material, closed=True, segments=8)


def extrude(outline: ArrayLike, thickness: float, material: Material) -> Mesh:
    """A flat outline (N, 2), counter-clockwise and simple, as a plate about z = 0.

    Args:
        outline: polygon in x and y, metres.
        thickness: along z, metres.
        material: of the plate.
    """
    p = np.asarray(outline, np.float64)
    triangles = triangulate(p)
    low, high = np.full((len(p), 1), -thickness / 2), np.full((len(p), 1), thickness / 2)
    bottom = surface(np.hstack([p, low]), triangles[:, ::-1], material)
    top = surface(np.hstack([p, high]), triangles, material)
    sides = []
    for run in _smooth_runs(np.vstack([p, p[:1]])):
        flat = np.hstack([run, np.zeros((len(run), 1))])
        strip = np.stack([flat - thickness / 2 * Z, flat + thickness / 2 * Z])
        sides.append(loft(strip, material, closed=False, capped=False))
    return join([bottom, top, *sides])


def triangulate(polygon: Array) -> NDArray[np.int64]:
    """Triangles (N - 2, 3) of a simple counter-clockwise polygon (N, 2), by cutting ears."""
    remaining = list(range(len(polygon)))
    triangles = []
    while len(remaining) > 3:
        for i in range(len(remaining)):
            a, b, c = remaining[i - 1], remaining[i], remaining[(i + 1) % len(remaining)]
            others = polygon[[j for j in remaining if j not in (a, b, c)]]
            if _turn(polygon[a], polygon[b], polygon[c]) > 1e-12 and not _inside(polygon[[a, b, c]], others):
                triangles.append((a, b, c))
                del remaining[i]
                break
        else:  # only slivers are left
            triangles.append((remaining[-1], remaining[0], remaining[1]))
            del remaining[0]
    triangles.append((remaining[0], remaining[1], remaining[2]))
    return np.array(triangles, np.int64)


def _turn(a: Array, b: Array, c: Array) -> float:
    return float((b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0]))


def _inside(triangle: Array, points: Array) -> bool:
    sides = [
        (t[0] - s[0]) * (points[:, 1] - s[1]) - (t[1] - s[1]) * (points[:, 0] - s[0])
        for s, t in zip(triangle, np.roll(triangle, -1, 0), strict=True)
    ]
    return bool(np.any(np.all(np.stack(sides) >= -1e-12, 0)))


def refine(mesh: Mesh, longest: float) -> Mesh:
    """The same surface with every edge at most `longest` metres, so that labels on vertices mean something.

    Edges are halved where they are too long, in all the faces that share them, so no cracks appear.
    """
    vertices, faces, material = mesh.vertices, mesh.faces, mesh.face_material
    finished: list[tuple[NDArray[np.int64], NDArray[np.int64]]] = []
    while True:
        start, end = faces, faces[:, [1, 2, 0]]
        step = vertices[end] - vertices[start]
        long = np.einsum("fki,fki->fk", step, step) > longest**2
        split = long.any(1)
        finished.append((faces[~split], material[~split]))
        if not split.any():
            done, done_material = zip(*finished, strict=True)
            return replace(
                mesh, vertices=vertices, faces=np.concatenate(done), face_material=np.concatenate(done_material)
            )
        faces, material, long, start, end = faces[split], material[split], long[split], start[split], end[split]
        code = np.minimum(start, end) * len(vertices) + np.maximum(start, end)
        codes, position = np.unique(code[long], return_inverse=True)
        a, b = codes // len(vertices), codes % len(vertices)
        middle = np.full(code.shape, -1, np.int64)
        middle[long] = len(vertices) + position
        vertices = np.concatenate([vertices, (vertices[a] + vertices[b]) / 2])
        faces, material = _split(faces, material, middle)


_SPLITS = {
    1: ((0, 3, 2), (3, 1, 2)),
    2: ((0, 3, 2), (3, 4, 2), (3, 1, 4)),
    3: ((0, 3, 5), (3, 1, 4), (5, 4, 2), (3, 4, 5)),
}
"""Marked edges -> the pieces of a face whose corners are 0, 1, 2 and whose edge midpoints 3 (0-1), 4 (1-2), 5 (2-0)."""


def _split(
    faces: NDArray[np.int64], material: NDArray[np.int64], middle: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Cut faces at the midpoints (F, 3) of their edges, -1 where an edge stays whole; each has one at least."""
    count = (middle >= 0).sum(1)
    out, out_material = [], []
    for marked, pieces in _SPLITS.items():
        chosen = count == marked
        # turn each face so that its marked edges come first: 0-1, then 1-2
        shift = np.argmax((middle[chosen] >= 0) & (np.roll(middle[chosen], 1, 1) < 0), 1)
        order = (shift[:, None] + np.arange(3)) % 3
        points = np.hstack([np.take_along_axis(faces[chosen], order, 1), np.take_along_axis(middle[chosen], order, 1)])
        for piece in pieces:
            out.append(points[:, piece])
            out_material.append(material[chosen])
    return np.concatenate(out), np.concatenate(out_material)
