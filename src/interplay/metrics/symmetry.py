"""Turns after which an object looks the same, and how far off it is where they do not count."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
from scipy.ndimage import minimum_filter1d
from scipy.spatial import cKDTree

from interplay.body.geometry import Array, rotation, triangle_areas
from interplay.body.proximity import surface_samples
from interplay.body.raycast import check_mesh
from interplay.errors import InputError
from interplay.ops.backends import to_numpy

TOLERANCE = 0.01
"""Share of the object's diameter within which 95 % of its surface must stay."""

_STEP, _COARSE_STEP = 5, 15  # degrees; coarse where an object turns around more than one axis, as a ball does
_NEAR = 4  # steps; of the turns that are nearer to each other only the best is one
_SAMPLES, _VERTICES, _MANY = 400, 200, 150


def symmetry_turns(vertices: Any, faces: Any, tolerance: float = TOLERANCE) -> Array:
    """Rotations (S, 3, 3) around the surface's middle after which it is nearly where it was; the first is none.

    They are looked for around the principal axes of the surface, in steps of 5 degrees (15 for an object that may be
    turned around several), and put together.

    Args:
        vertices: (V, 3), in any unit.
        faces: (F, 3).
        tolerance: see `TOLERANCE`.

    Raises:
        InputError: another shape, or numbers that are not finite.
    """
    points, weights, middle, diameter = _surface(vertices, faces)
    tree = cKDTree(points)
    _, axes = np.linalg.eigh(((points - middle) * weights[:, None]).T @ (points - middle))
    few = points[np.random.default_rng(0).choice(len(points), _SAMPLES, p=weights)] - middle
    kept = []
    for axis in axes.T:
        turns = rotation(axis, np.deg2rad(np.arange(0, 360, _STEP)))
        off = tree.query(middle + few @ turns.transpose(0, 2, 1))[0]
        off = np.quantile(off, 0.95, axis=1)
        off[0] = 0
        same = off <= tolerance * diameter
        if not same.all():  # a slender object hardly changes by a small turn either, which is no symmetry
            same &= off == minimum_filter1d(off, 2 * _NEAR + 1, mode="wrap")
        kept.append(turns[same])
    if sum(len(each) > 360 // _STEP // 2 for each in kept) > 1:
        thinned = slice(None, None, _COARSE_STEP // _STEP)
        kept = [each[thinned] for each in kept]
    return np.stack([a @ b @ c for a, b, c in product(*kept)])


def symmetric_error(placed: Any, true: Any, faces: Any, tolerance: float = TOLERANCE) -> float:
    """Median distance between vertices where they were placed and where they are, after the turn of the object that
    makes it smallest among those after which it looks the same.

    Args:
        placed, true: (V, 3) of one mesh.
        faces: (F, 3).
        tolerance: see `TOLERANCE`.

    Raises:
        InputError: another shape, or numbers that are not finite.

    Source: with the median in the place of the maximum, BOP's MSSD (Hodan et al., BOP Challenge 2020, section 2.2).
    """
    a, b = to_numpy(placed).astype(np.float64), to_numpy(true).astype(np.float64)
    if a.shape != b.shape or not np.isfinite(a).all():
        raise InputError(f"placed: expected finite vertices {b.shape} as the true ones, got {a.shape}")
    turns = symmetry_turns(b, faces, tolerance)
    *_, middle, _ = _surface(b, faces)
    few = np.linspace(0, len(a) - 1, min(len(a), _VERTICES)).astype(np.int64)
    off = [np.linalg.norm(middle + (b[few] - middle) @ t.T - a[few], axis=1) for t in turns]
    best = turns[int(np.argmin(np.median(off, axis=1)))]
    return float(np.median(np.linalg.norm(middle + (b - middle) @ best.T - a, axis=1)))


def _surface(vertices: Any, faces: Any) -> tuple[Array, Array, Array, float]:
    """Points (N, 3) of the surface, the share (N,) of each, their middle, and how large the object is."""
    points, triangles = to_numpy(vertices).astype(np.float64), to_numpy(faces).astype(np.int64)
    check_mesh(points, triangles)
    diameter = float(np.linalg.norm(np.ptp(points, axis=0)))
    corners = points[triangles]
    area = triangle_areas(corners)
    if not area.sum() > 0:
        raise InputError("vertices: the triangles have no area")
    samples, owner = surface_samples(corners, diameter / _MANY)
    share = (area / np.maximum(np.bincount(owner, minlength=len(triangles)), 1))[owner]
    share = share / share.sum()
    return samples, share, share @ samples, diameter
