"""Houses, fences, posts."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.body.materials import Color, Material, hsv, srgb
from interplay.body.meshes import Mesh, box, cylinder, join, surface

GLASS: Color = srgb(58, 72, 88)
GALVANISED = Material((0.4, 0.41, 0.42), gloss=0.5)

_WALLS = (
    srgb(214, 200, 176),
    srgb(176, 92, 66),
    srgb(228, 222, 210),
    srgb(150, 140, 128),
    srgb(196, 164, 120),
    srgb(140, 66, 52),
    srgb(206, 186, 150),
    srgb(170, 182, 188),
)


def block(size: tuple[float, float, float], x: float, y: float, material: Material, z: float = 0.0) -> Mesh:
    """A box standing at (x, y, z) whose flat pattern runs along each side's own width and height."""
    w, d, h = size
    along = replace(material, axes=(0, 2)), replace(material, axes=(1, 2))
    parts = []
    for sign in (-1, 1):
        parts.append(_wall((x - sign * w / 2, y + sign * d / 2), (x + sign * w / 2, y + sign * d / 2), z, h, along[0]))
        parts.append(_wall((x + sign * w / 2, y - sign * d / 2), (x + sign * w / 2, y + sign * d / 2), z, h, along[1]))
    lid = replace(material, pattern="plain")
    corners = [(x + sx * w / 2, y + sy * d / 2, z + h) for sx, sy in ((-1, -1), (1, -1), (1, 1), (-1, 1))]
    parts.append(surface(corners, [(0, 1, 2), (0, 2, 3)], lid))
    return join(parts)


def _wall(a: tuple[float, float], b: tuple[float, float], z: float, h: float, material: Material) -> Mesh:
    corners = [(*a, z), (*b, z), (*b, z + h), (*a, z + h)]
    return surface(corners, [(0, 1, 2), (0, 2, 3)], material)


def wall_paint(rng: np.random.Generator) -> Color:
    """The colour of a house."""
    if rng.random() < 0.25:
        return hsv(rng.random(), rng.uniform(0.1, 0.4), rng.uniform(0.6, 0.9))
    return _WALLS[int(rng.integers(len(_WALLS)))]


def house(rng: np.random.Generator, x: float, y: float, width: float, depth: float, storeys: int) -> Mesh:
    """A house with windows all round, a plinth, a cornice and a flat or pitched roof."""
    storey = float(rng.uniform(2.7, 3.3))
    height = storeys * storey
    paint = wall_paint(rng)
    walls = Material(paint, "windows", GLASS, scale=storey, gloss=0.05)
    stone = Material((paint[0] * 0.55, paint[1] * 0.55, paint[2] * 0.56), "noise", (0.3, 0.3, 0.3), scale=0.4)
    trim = Material(tuple(min(1.0, 1.15 * c) for c in paint))  # type: ignore[arg-type]
    parts = [
        block((width, depth, height), x, y, walls),
        block((width + 0.1, depth + 0.1, 0.5), x, y, stone),
        block((width + 0.5, depth + 0.5, 0.35), x, y, trim, height),
    ]
    if storeys <= 3 and rng.random() < 0.7:
        tiles = Material(
            srgb(140, 70, 52) if rng.random() < 0.5 else srgb(82, 78, 78), "bricks", (0.1, 0.08, 0.08), 0.3
        )
        parts.append(_gable(x, y, width + 0.9, depth + 0.9, height + 0.3, float(rng.uniform(0.3, 0.5)) * depth, tiles))
    return join(parts)


def _gable(x: float, y: float, width: float, depth: float, z: float, rise: float, material: Material) -> Mesh:
    half, deep = width / 2, depth / 2
    corners = [
        (x - half, y - deep, z),
        (x + half, y - deep, z),
        (x + half, y + deep, z),
        (x - half, y + deep, z),
        (x - half, y, z + rise),
        (x + half, y, z + rise),
    ]
    faces = [(0, 1, 5), (0, 5, 4), (2, 3, 4), (2, 4, 5), (3, 0, 4), (1, 2, 5)]
    return surface([corners[i] for f in faces for i in f], np.arange(18).reshape(-1, 3), material)


def shop_front(rng: np.random.Generator, x: float, y: float, width: float, outward: float) -> Mesh:
    """Shop windows, a door and an awning before a wall at `y` that looks along y times `outward` (-1 or 1)."""
    glass = Material(srgb(70, 84, 96), "picture", srgb(200, 186, 160), scale=1.1, gloss=0.7, axes=(0, 2))
    frame = Material(hsv(rng.random(), rng.uniform(0.2, 0.8), rng.uniform(0.15, 0.6)))
    stripes = Material(
        hsv(rng.random(), 0.75, rng.uniform(0.4, 0.8)),
        str(rng.choice(["stripes", "plain"])),
        (0.85, 0.85, 0.82),
        0.5,
    )
    out = y + 0.06 * outward
    parts = [
        box((width, 0.1, 2.5), frame, (x, y, 1.25)),
        box((0.62 * width, 0.06, 1.7), glass, (x - 0.14 * width, out, 1.35)),
        box((0.9, 0.07, 2.1), Material(GLASS, gloss=0.6), (x + 0.36 * width, out, 1.08)),
        box((width, 0.14, 0.5), frame, (x, y, 2.75)),
    ]
    if rng.random() < 0.6:
        z, reach = 2.55, 1.1 * outward
        corners = [
            (x - width / 2, y, z + 0.35),
            (x + width / 2, y, z + 0.35),
            (x + width / 2, y + reach, z - 0.15),
            (x - width / 2, y + reach, z - 0.15),
        ]
        parts.append(surface(corners, [(0, 1, 2), (0, 2, 3)], stripes))
    return join(parts)


def rail_fence(start: tuple[float, float], end: tuple[float, float], height: float, material: Material) -> Mesh:
    """Posts with two rails."""
    a, b = np.array([*start, 0.0]), np.array([*end, 0.0])
    count = max(2, int(np.linalg.norm(b - a) / 2.2) + 1)
    posts = [a + (b - a) * t for t in np.linspace(0, 1, count)]
    parts = [cylinder(p, p + np.array([0, 0, height]), 0.05, material, segments=6) for p in posts]
    for share in (0.5, 0.92):
        up = np.array([0, 0, share * height])
        parts.append(cylinder(a + up, b + up, 0.035, material, segments=6))
    return join(parts)


def net_fence(start: tuple[float, float], end: tuple[float, float], height: float, tone: Color) -> Mesh:
    """Wire netting on posts, seen as a thin veil."""
    a, b = np.array([*start, 0.0]), np.array([*end, 0.0])
    up = np.array([0, 0, height])
    veil = Material(tone, opacity=0.3)
    corners = np.array([a + 0.05 * up, b + 0.05 * up, b + up, a + up])
    parts = [surface(corners, [(0, 1, 2), (0, 2, 3)], veil)]
    count = max(2, int(np.linalg.norm(b - a) / 3) + 1)
    parts += [cylinder(p, p + up, 0.035, GALVANISED, segments=6) for p in np.linspace(a, b, count)]
    parts.append(cylinder(a + up, b + up, 0.025, GALVANISED, segments=6))
    return join(parts)


def lamp_post(x: float, y: float, height: float = 4.5) -> Mesh:
    """A street lamp."""
    iron = Material(srgb(44, 48, 46), gloss=0.3)
    return join(
        [
            cylinder((x, y, 0), (x, y, height), 0.07, iron, 0.045, 8),
            cylinder((x, y, height), (x, y, height + 0.5), 0.1, Material((0.9, 0.88, 0.8), glow=0.4), 0.24, 10),
            cylinder((x, y, height + 0.5), (x, y, height + 0.65), 0.28, iron, 0.04, 10),
        ]
    )
