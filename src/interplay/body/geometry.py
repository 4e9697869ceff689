"""Small rigid geometry in numpy: rotations, frames and transforms.

Right-handed, metres, z up. A rotation is (3, 3), acts on column vectors and is applied to rows of points with
``points @ rotation.T``; a transform is (4, 4).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[np.float64]
"""A float64 array; the shape is given where it is used."""

X: Array = np.array([1.0, 0.0, 0.0])
Y: Array = np.array([0.0, 1.0, 0.0])
Z: Array = np.array([0.0, 0.0, 1.0])


def vec(*values: float) -> Array:
    """A float64 vector of the given components."""
    return np.array(values, np.float64)


def unit(vector: ArrayLike) -> Array:
    """Vectors (..., 3) scaled to length 1; a zero vector stays zero."""
    v = np.asarray(vector, np.float64)
    length = np.sqrt(np.einsum("...i,...i->...", v, v))[..., None]
    return v / np.maximum(length, 1e-12)


def dot(a: ArrayLike, b: ArrayLike) -> Array:
    """Scalar products (...) of vectors (..., 3)."""
    return np.einsum("...i,...i->...", np.asarray(a, np.float64), np.asarray(b, np.float64))


def cross(a: ArrayLike, b: ArrayLike) -> Array:
    """Vector products (..., 3); several times as fast as numpy's for single vectors."""
    u, v = np.asarray(a, np.float64), np.asarray(b, np.float64)
    if u.ndim == v.ndim == 1:
        (x, y, z), (p, q, r) = u.tolist(), v.tolist()
        return np.array([y * r - z * q, z * p - x * r, x * q - y * p])
    return u[..., [1, 2, 0]] * v[..., [2, 0, 1]] - u[..., [2, 0, 1]] * v[..., [1, 2, 0]]


def rotation(axis: ArrayLike, angle: ArrayLike) -> Array:
    """Rotation (..., 3, 3) about `axis` (..., 3) by `angle` radians (Rodrigues)."""
    k = unit(axis)
    angle = np.asarray(angle, np.float64)
    if k.ndim == 1 and angle.ndim == 0:
        x, y, z = k.tolist()
        s, c = float(np.sin(angle)), float(np.cos(angle))
        d = 1 - c
        return np.array(
            [
                [c + d * x * x, d * x * y - s * z, d * x * z + s * y],
                [d * x * y + s * z, c + d * y * y, d * y * z - s * x],
                [d * x * z - s * y, d * y * z + s * x, c + d * z * z],
            ]
        )
    zero = np.zeros(np.broadcast_shapes(k.shape[:-1], angle.shape))
    kx, ky, kz = (np.broadcast_to(k[..., i], zero.shape) for i in range(3))
    skew = np.stack([zero, -kz, ky, kz, zero, -kx, -ky, kx, zero], -1).reshape(*zero.shape, 3, 3)
    s, c = np.sin(angle)[..., None, None], np.cos(angle)[..., None, None]
    return np.eye(3) + s * skew + (1 - c) * (skew @ skew)


def degrees(axis: ArrayLike, angle: float) -> Array:
    """Rotation (3, 3) about `axis` by `angle` degrees."""
    return rotation(axis, np.radians(angle))


def yaw(angle: float) -> Array:
    """Rotation (3, 3) about the vertical by `angle` radians."""
    return rotation(Z, angle)


def rotation_between(source: ArrayLike, target: ArrayLike) -> Array:
    """The smallest rotation (3, 3) that turns one direction into another."""
    a, b = unit(source), unit(target)
    axis = cross(a, b)
    sine, cosine = float(np.linalg.norm(axis)), float(a @ b)
    if sine < 1e-9:
        return np.eye(3) if cosine > 0 else rotation(orthogonal(a), np.pi)
    return rotation(axis, np.arctan2(sine, cosine))


def orthogonal(vector: ArrayLike) -> Array:
    """A unit vector (3,) at right angles to `vector`."""
    v = unit(vector)
    return unit(cross(v, X if abs(v[0]) < 0.8 else Y))


def frame(first: ArrayLike, second: ArrayLike) -> Array:
    """Orthonormal columns (..., 3, 3): `first`, then `second` made orthogonal to it, then their cross product.

    Args:
        first: (..., 3) kept in direction.
        second: (..., 3), not parallel to `first`.
    """
    a = unit(first)
    b = np.asarray(second, np.float64)
    b = unit(b - (b * a).sum(-1, keepdims=True) * a)
    a, b = np.broadcast_arrays(a, b)
    return np.stack([a, b, cross(a, b)], -1)


def angle_between(a: ArrayLike, b: ArrayLike) -> Array:
    """Angle in radians between directions (..., 3)."""
    return np.arccos(np.clip((unit(a) * unit(b)).sum(-1), -1.0, 1.0))


def rotation_angle(matrix: Array) -> Array:
    """Angle in radians of rotations (..., 3, 3)."""
    return np.arccos(np.clip((np.trace(matrix, axis1=-2, axis2=-1) - 1) / 2, -1.0, 1.0))


def scaled_rotation(matrix: Array, share: float) -> Array:
    """The rotation (3, 3) about the same axis by `share` of the angle."""
    angle = float(rotation_angle(matrix))
    if angle < 1e-7:
        return np.eye(3)
    axis = vec(matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1])
    if np.linalg.norm(axis) < 1e-6:  # half a turn: the axis is the column space of R + I
        axis = (matrix + np.eye(3))[:, int(np.argmax(np.diag(matrix)))]
    return rotation(axis, share * angle)


def twist_angle(matrix: Array, axis: ArrayLike) -> Array:
    """The part of rotations (..., 3, 3) that turns about `axis` (3,), in radians (swing-twist decomposition)."""
    a = unit(axis)
    sine = (
        a[0] * (matrix[..., 2, 1] - matrix[..., 1, 2])
        + a[1] * (matrix[..., 0, 2] - matrix[..., 2, 0])
        + a[2] * (matrix[..., 1, 0] - matrix[..., 0, 1])
    )
    trace = np.trace(matrix, axis1=-2, axis2=-1)
    return 2 * np.arctan2(sine, 1 + trace)


def transform(rotation_part: ArrayLike | None = None, translation: ArrayLike | None = None) -> Array:
    """A transform (4, 4) from a rotation (3, 3) and a translation (3,)."""
    out = np.eye(4)
    if rotation_part is not None:
        out[:3, :3] = rotation_part
    if translation is not None:
        out[:3, 3] = translation
    return out


def apply(matrix: Array, points: ArrayLike) -> Array:
    """Points (..., 3) moved by a transform (4, 4)."""
    return np.asarray(points, np.float64) @ matrix[:3, :3].T + matrix[:3, 3]


def inverse(matrix: Array) -> Array:
    """Inverse of a rigid transform (4, 4)."""
    return transform(matrix[:3, :3].T, -matrix[:3, :3].T @ matrix[:3, 3])


def polyline(points: ArrayLike, spacing: float) -> Array:
    """A Catmull-Rom curve through `points` (N, 3), sampled about every `spacing` metres: (M, 3)."""
    p = np.asarray(points, np.float64)
    if len(p) < 3:
        count = max(2, int(np.ceil(np.linalg.norm(p[-1] - p[0]) / spacing)) + 1)
        return p[0] + np.linspace(0, 1, count)[:, None] * (p[-1] - p[0])
    padded = np.concatenate([2 * p[:1] - p[1:2], p, 2 * p[-1:] - p[-2:-1]])
    pieces = []
    for a, b, c, d in zip(padded[:-3], padded[1:-2], padded[2:-1], padded[3:], strict=True):
        count = max(2, int(np.ceil(np.linalg.norm(c - b) / spacing)))
        t = (np.arange(count) / count)[:, None]
        pieces.append(0.5 * (2 * b + (c - a) * t + (2 * a - 5 * b + 4 * c - d) * t**2 + (3 * b - a - 3 * c + d) * t**3))
    return np.concatenate([*pieces, p[-1:]])


def closest_on_segments(points: ArrayLike, starts: ArrayLike, ends: ArrayLike) -> tuple[Array, Array]:
    """Of points (..., 1 or N, 3) to segments (..., N, 3): distances and positions along them in 0..1, both (..., N)."""
    p, a, b = (np.asarray(x, np.float64) for x in (points, starts, ends))
    d = b - a
    t = np.clip(((p - a) * d).sum(-1) / np.maximum((d * d).sum(-1), 1e-12), 0.0, 1.0)
    return np.linalg.norm(p - a - t[..., None] * d, axis=-1), t


def triangle_areas(corners: Array) -> Array:
    """(F,) areas of triangles (F, 3, 3)."""
    areas: Array = np.linalg.norm(np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]), axis=1) / 2
    return areas


def closest_on_triangles(points: Array, triangles: Array) -> Array:
    """Closest point (N, 3) on triangle i (N, 3, 3) to point i (N, 3).

    The projection onto the plane where it falls inside, otherwise the nearest point of the three edges.
    """
    a, b, c = triangles[:, 0], triangles[:, 1], triangles[:, 2]
    normal = cross(b - a, c - a)
    area = (normal * normal).sum(-1)
    offset = ((points - a) * normal).sum(-1) / np.maximum(area, 1e-30)
    projected = points - offset[:, None] * normal
    inside = area > 1e-24  # one without area has no inside
    best = np.full(len(points), np.inf)
    closest = projected.copy()
    for start, end in ((a, b), (b, c), (c, a)):
        inside &= (cross(end - start, projected - start) * normal).sum(-1) >= 0
        d = end - start
        t = np.clip(((points - start) * d).sum(-1) / np.maximum((d * d).sum(-1), 1e-30), 0.0, 1.0)
        on_edge = start + t[:, None] * d
        distance = ((points - on_edge) ** 2).sum(-1)
        nearer = distance < best
        best = np.where(nearer, distance, best)
        closest = np.where(nearer[:, None], on_edge, closest)
    return np.where(inside[:, None], projected, closest)
