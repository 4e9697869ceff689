"""Trees, bushes, hedges and hills."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from interplay.body.geometry import Array, unit, vec
from interplay.body.materials import Color, Material, hsv, srgb, value_noise
from interplay.body.meshes import Mesh, cylinder, ellipsoid, join, loft, surface, tube

BARK = Material(srgb(92, 74, 58), "noise", srgb(58, 46, 36), scale=0.12)
SNOW = Material(srgb(244, 247, 252), "noise", srgb(222, 230, 244), scale=1.5)


def leaf_material(rng: np.random.Generator, autumn: float = 0.12) -> Material:
    """Green leaves, in a share `autumn` of the draws red or yellow ones."""
    hue = rng.uniform(0.03, 0.14) if rng.random() < autumn else rng.uniform(0.2, 0.33)
    light = hsv(hue, rng.uniform(0.4, 0.75), rng.uniform(0.42, 0.68))
    return Material(light, "noise", (light[0] * 0.35, light[1] * 0.4, light[2] * 0.35), scale=0.35)


def foliage(
    rng: np.random.Generator, center: ArrayLike, radii: ArrayLike, material: Material, count: int, size: float
) -> Mesh:
    """Leaves in an ellipsoid: `count` triangles of about `size` metres around a solid core."""
    c, r = np.asarray(center, np.float64), np.broadcast_to(np.asarray(radii, np.float64), 3)
    direction = unit(rng.normal(size=(count, 3)))
    middle = c + direction * r * rng.uniform(0.72, 1.08, (count, 1))
    first, second = rng.normal(size=(2, count, 3))
    first = unit(first + 0.01)
    second = unit(second - (second * first).sum(1, keepdims=True) * first)
    length = size * rng.uniform(0.6, 1.4, (count, 1))
    corners = np.stack([middle + length * first, middle - length * (first - 0.9 * second) * 0.5, middle], 1)
    corners[:, 2] -= 0.6 * length * second
    leaves = surface(corners.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3), material)
    core = Material(tuple(0.5 * v for v in material.color), "noise", material.second, material.scale)  # type: ignore[arg-type]
    return join([leaves, ellipsoid(c, r * 0.82, core, 10, 6)])


def tree(rng: np.random.Generator, x: float, y: float, height: float, leaf: Material) -> Mesh:
    """A broad-leaved tree."""
    trunk = height * float(rng.uniform(0.028, 0.04))
    fork = height * float(rng.uniform(0.28, 0.42))
    top = vec(x + rng.normal(0, 0.03) * height, y + rng.normal(0, 0.03) * height, 0.75 * height)
    stem = tube([vec(x, y, -0.1), vec(x, y, fork), top], np.array([trunk * 1.3, trunk, trunk * 0.4]), BARK, segments=8)
    parts = [stem]
    spread = height * float(rng.uniform(0.2, 0.3))
    for k in range(5):
        angle = 2 * np.pi * (k / 5 + rng.random() * 0.15)
        out = spread * (0.0 if k == 0 else float(rng.uniform(0.6, 0.95)))
        z = height * (0.8 if k == 0 else float(rng.uniform(0.52, 0.72)))
        center = vec(x + out * np.cos(angle), y + out * np.sin(angle), z)
        parts.append(foliage(rng, center, vec(1, 1, 0.8) * spread * 0.8, leaf, 260, 0.038 * height))
        if k:
            parts.append(cylinder(vec(x, y, fork), center, trunk * 0.5, BARK, trunk * 0.2, 5))
    return join(parts)


def conifer(rng: np.random.Generator, x: float, y: float, height: float, leaf: Material, snowy: bool = False) -> Mesh:
    """A spruce: tiers of branches, with snow on them on request."""
    parts = [cylinder((x, y, -0.1), (x, y, 0.3 * height), 0.025 * height, BARK, segments=7)]
    tiers = 7
    for k in range(tiers):
        low = height * (0.1 + 0.85 * k / tiers)
        radius = height * 0.24 * (1 - k / tiers) + 0.04 * height
        angle = np.linspace(0, 2 * np.pi, 15)[:-1]
        jag = radius * np.where(np.arange(14) % 2, 0.68, 1.0) * rng.uniform(0.85, 1.15, 14)
        droop = low - 0.12 * radius * np.where(np.arange(14) % 2, 0.2, 1.0)
        rim = np.stack([x + jag * np.cos(angle), y + jag * np.sin(angle), droop], 1)
        tip = np.vstack([rim, [(x, y, low + 0.3 * height)], [(x, y, low + 0.02 * height)]])
        ring = np.arange(14)
        sides = np.stack([ring, (ring + 1) % 14, np.full(14, 14)], 1)
        under = np.stack([(ring + 1) % 14, ring, np.full(14, 15)], 1)
        white = snowy and rng.random() < 0.6
        parts += [surface(tip, sides, SNOW if white else leaf), surface(tip, under, leaf)]
    return join(parts)


def bush(rng: np.random.Generator, x: float, y: float, size: float, leaf: Material) -> Mesh:
    """A shrub about as wide as high."""
    return foliage(rng, (x, y, 0.45 * size), vec(0.6, 0.6, 0.5) * size, leaf, 220, 0.09 * size)


def hedge(
    rng: np.random.Generator, start: tuple[float, float], end: tuple[float, float], height: float, leaf: Material
) -> Mesh:
    """A clipped hedge between two points: a box with leaves sticking out."""
    a, b = vec(*start, 0.0), vec(*end, 0.0)
    length = float(np.linalg.norm(b - a))
    count = int(min(length * height * 55, 1800))
    along = (b - a) / length
    side = vec(-along[1], along[0], 0.0)
    middle = a + rng.random((count, 1)) * length * along
    middle = middle + np.where(rng.random((count, 1)) < 0.5, -0.4, 0.4) * side
    middle[:, 2] = rng.uniform(0.0, height, count)
    lid = rng.random(count) < 0.25
    middle[lid] += rng.uniform(-0.4, 0.4, (int(lid.sum()), 1)) * side
    middle[lid, 2] = height
    corners = middle[:, None] + rng.normal(0, 0.07, (count, 3, 3))
    leaves = surface(corners.reshape(-1, 3), np.arange(3 * count).reshape(-1, 3), leaf)
    ring = np.array([[-0.4, 0.0], [0.4, 0.0], [0.4, height], [-0.4, height]])
    rings = np.stack([p + ring[:, :1] * side + ring[:, 1:] * vec(0, 0, 1) for p in (a, b)])
    return join([leaves, loft(rings, leaf)])


def ridge(
    rng: np.random.Generator, radius: float, height: float, roughness: float, material: Material, base: float = -2.0
) -> Mesh:
    """A ring of hills (or, with small waves, the tops of a distant wood) around the world.

    Args:
        rng: draws the outline.
        radius: distance from the origin.
        height: of the highest tops, metres.
        roughness: waves of the outline in a turn.
        material: of the whole.
        base: height of the foot.
    """
    angle = np.linspace(0, 2 * np.pi, 361)[:-1]
    phase = float(rng.uniform(0, 100))
    around = np.stack([np.cos(angle), np.sin(angle)], 1)
    coarse = value_noise(around * roughness * 0.35 + phase)
    fine = value_noise(around * roughness * 2.3 + phase, 3)
    top = height * (0.25 + 0.55 * coarse + 0.2 * fine)
    rings = [
        np.column_stack([around * radius * near, np.maximum(share * top, 0) + low])
        for near, share, low in ((1.0, 0.0, base), (1.05, 0.45, 0.0), (1.14, 0.85, 0.0), (1.25, 1.0, 0.0))
    ]
    return loft(np.array(rings)[::-1], material, capped=False)


def hill_material(color: Color, scale: float = 30.0) -> Material:
    """Ground cover seen from far away."""
    return Material(color, "noise", (color[0] * 0.6, color[1] * 0.65, color[2] * 0.6), scale=scale)


def scattered(
    rng: np.random.Generator, count: int, inner: float, outer: float, gap: float, avoid: Array | None = None
) -> list[tuple[float, float]]:
    """Up to `count` points (x, y) between two distances from the origin, at least `gap` apart.

    Args:
        rng: source of randomness.
        count: how many are tried.
        inner, outer: metres; where `outer` is not larger, four metres more than `inner`.
        gap: metres.
        avoid: (2, 2) lowest and highest x, y of a region to leave free.
    """
    chosen: list[tuple[float, float]] = []
    outer = max(outer, inner + 4.0)
    for _ in range(count):
        distance = float(np.sqrt(rng.uniform(inner**2, outer**2)))
        angle = float(rng.uniform(0, 2 * np.pi))
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        if avoid is not None and np.all((avoid[0] < (x, y)) & (avoid[1] > (x, y))):
            continue
        if all((x - a) ** 2 + (y - b) ** 2 > gap**2 for a, b in chosen):
            chosen.append((x, y))
    return chosen
