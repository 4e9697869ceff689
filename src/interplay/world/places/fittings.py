"""What belongs to a room's walls and ceiling: window, door, pictures, curtains, shelves, worktops, lamps."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, vec
from interplay.body.materials import Material, hsv, srgb
from interplay.body.meshes import Mesh, box, cylinder, ellipsoid, join, lathe, loft
from interplay.world.objects import Spot
from interplay.world.objects.paint import STEEL, WHITE, any_color, fabric, wood

from .place import Edge

BRASS = Material(srgb(150, 120, 60), gloss=0.8)


def _panel(edge: Edge, along: float, up: float, size: tuple[float, float, float], material: Material) -> Mesh:
    """A box on a wall: `size` along the wall, off the wall and up; centred at (`along`, `up`)."""
    width, thick, height = size
    middle = edge.at(along, thick / 2)
    flat = abs(edge.inward[1]) > 0.5
    return box((width, thick, height) if flat else (thick, width, height), material, (middle[0], middle[1], up))


def _axes(edge: Edge) -> tuple[int, int]:
    return (0, 2) if abs(edge.inward[1]) > 0.5 else (1, 2)


def _without(edge: Edge, start: float, end: float) -> Array:
    """Stretches of a wall left free by something from `start` to `end`."""
    parts = [(0.4, start - 0.15), (end + 0.15, edge.length - 0.4)]
    return np.array([p for p in parts if p[1] - p[0] > 0.5]).reshape(-1, 2)


def window(rng: np.random.Generator, edge: Edge, curtained: bool) -> tuple[list[Mesh], Array, Array]:
    """A window with a view of sky and green, on request with curtains.

    Returns:
        Its parts, the stretches of wall beside it, and the point (3,) outside from which light falls through it.
    """
    width = float(np.clip(rng.uniform(1.1, 2.2), 0.8, edge.length - 1.0))
    low, high = float(rng.uniform(0.75, 1.0)), float(rng.uniform(2.0, 2.25))
    along = float(rng.uniform(0.5 + width / 2, edge.length - 0.5 - width / 2))
    green = hsv(rng.uniform(0.2, 0.36), 0.4, 0.75)
    sky = Material(srgb(222, 236, 250), "noise", srgb(190, 214, 242), scale=1.5, glow=0.95)
    outside = Material(green, "noise", (green[0] * 0.45, green[1] * 0.5, green[2] * 0.45), scale=0.3, glow=0.85)
    horizon = low + (high - low) * float(rng.uniform(0.25, 0.55))
    parts = [
        _panel(edge, along, (horizon + high) / 2, (width, 0.01, high - horizon), sky),
        _panel(edge, along, (low + horizon) / 2, (width, 0.012, horizon - low), outside),
        _panel(edge, along, low - 0.03, (width + 0.2, 0.14, 0.04), WHITE),
        _panel(edge, along, high + 0.03, (width + 0.12, 0.05, 0.06), WHITE),
    ]
    bars = np.linspace(-width / 2, width / 2, int(rng.integers(2, 5)) + 1)
    parts += [_panel(edge, along + x, (low + high) / 2, (0.06, 0.045, high - low), WHITE) for x in bars]
    left, right = along - width / 2, along + width / 2
    hung = _curtains(rng, edge, left, right) if curtained else []
    free = _without(edge, left - 0.3 * curtained, right + 0.3 * curtained)
    return [join(parts), *hung], free, vec(*edge.at(along, -0.3), 1.9)


def _curtains(rng: np.random.Generator, edge: Edge, left: float, right: float) -> list[Mesh]:
    """Two hangings on a rod."""
    cloth = fabric(rng)
    tone = Material(cloth.color, "plain" if rng.random() < 0.7 else "stripes", cloth.second, 0.2, axes=_axes(edge))
    made = []
    for start, end in ((left - 0.32, left + 0.12), (right - 0.12, right + 0.32)):
        along = np.linspace(start, end, 33)
        off = 0.08 + 0.03 * np.sin(along * 70)
        foot = np.array([[*edge.at(a, o), 0.06] for a, o in zip(along, off, strict=True)])
        head = foot + vec(0, 0, 2.25)
        made.append(loft(np.stack([foot, head]), tone, closed=False, capped=False))
    a, b = edge.at(max(left - 0.3, 0.05), 0.08), edge.at(min(right + 0.3, edge.length - 0.05), 0.08)
    made.append(cylinder((*a, 2.33), (*b, 2.33), 0.014, BRASS, segments=6))
    return made


def radiator(edge: Edge) -> Mesh:
    """Ribs under the window."""
    return join(
        [_panel(edge, edge.length / 2 + 0.08 * k, 0.4, (0.06, 0.09, 0.55), WHITE) for k in range(-7, 8)]
        + [_panel(edge, edge.length / 2, z, (1.2, 0.05, 0.04), WHITE) for z in (0.17, 0.62)]
    )


def door(rng: np.random.Generator, edge: Edge) -> tuple[Mesh, Array]:
    """A closed door, and the stretches of wall beside it."""
    along = float(rng.uniform(0.8, edge.length - 0.8))
    leaf = wood(rng, 2) if rng.random() < 0.45 else Material(hsv(rng.random(), rng.uniform(0, 0.25), 0.88), gloss=0.2)
    frame = WHITE if rng.random() < 0.6 else leaf
    parts = [
        _panel(edge, along, 1.0, (0.86, 0.03, 2.0), leaf),
        *(_panel(edge, along + s * 0.47, 1.03, (0.09, 0.05, 2.06), frame) for s in (-1, 1)),
        _panel(edge, along, 2.06, (1.03, 0.05, 0.09), frame),
        *(_panel(edge, along, z, (0.56, 0.04, 0.66), leaf) for z in (0.55, 1.45)),
    ]
    knob = edge.at(along + 0.34, 0.07)
    parts.append(ellipsoid((*knob, 1.02), 0.032, BRASS, 10, 6))
    return join(parts), _without(edge, along - 0.55, along + 0.55)


def picture(rng: np.random.Generator, edge: Edge, free: Array) -> tuple[list[Mesh], Array]:
    """A framed picture in one of the free stretches, and what is left of them."""
    chosen = int(rng.integers(len(free)))
    start, end = free[chosen]
    width = float(min(rng.uniform(0.35, 1.1), end - start - 0.1))
    height = float(rng.uniform(0.3, 0.8))
    along = float(rng.uniform(start + width / 2, end - width / 2))
    up = float(rng.uniform(1.5, 1.75))
    frame = (
        wood(rng) if rng.random() < 0.5 else Material(srgb(24, 24, 26) if rng.random() < 0.5 else srgb(220, 216, 206))
    )
    ground = any_color(rng)
    art = Material(ground, "picture", any_color(rng, 0.9), float(rng.uniform(0.1, 0.35)), axes=_axes(edge))
    mount = Material(srgb(238, 236, 228))
    made = [
        _panel(edge, along, up, (width, 0.025, height), frame),
        _panel(edge, along, up, (width - 0.05, 0.028, height - 0.05), mount),
        _panel(edge, along, up, (width - 0.16, 0.03, height - 0.16), art),
    ]
    rest = [list(f) for k, f in enumerate(free) if k != chosen]
    rest += [[a, b] for a, b in ((start, along - width / 2 - 0.1), (along + width / 2 + 0.1, end)) if b - a > 0.45]
    return [join(made)], np.array(rest).reshape(-1, 2)


def shelf(rng: np.random.Generator, edge: Edge) -> tuple[list[Mesh], Spot, Array]:
    """A sideboard with drawers, its top, and the stretches of wall where something may hang."""
    width = float(np.clip(rng.uniform(1.0, 2.0), 0.6, edge.length - 0.6))
    depth, height = float(rng.uniform(0.35, 0.45)), float(rng.uniform(0.5, 0.95))
    along = float(rng.uniform(0.2 + width / 2, edge.length - 0.2 - width / 2))
    body = wood(rng) if rng.random() < 0.6 else Material(hsv(rng.random(), rng.uniform(0, 0.4), rng.uniform(0.3, 0.92)))
    made = [_panel(edge, along, height / 2 + 0.04, (width, depth, height - 0.08), body)]
    count = max(2, round(width / 0.5))
    for k in range(count):
        x = along - width / 2 + width * (k + 0.5) / count
        made.append(_panel(edge, x, height / 2 + 0.04, (width / count - 0.02, depth + 0.012, height - 0.14), body))
        made.append(_panel(edge, x, 0.62 * height, (0.12, depth + 0.03, 0.016), STEEL))
    top = _panel(edge, along, height - 0.01, (width + 0.03, depth + 0.02, 0.03), body)
    return [join([*made, top])], _top_spot(edge, along, depth, height + 0.005, width), _walls_above(edge, height)


def worktop(rng: np.random.Generator, edge: Edge, tall: bool) -> tuple[list[Mesh], Spot, Array]:
    """Cupboards with a worktop along most of a wall, with wall cupboards above when `tall`."""
    width, depth, height = edge.length - 1.6, 0.6, float(rng.uniform(0.86, 0.93))
    along = 0.8 + width / 2 + float(rng.uniform(-0.6, 0.6))
    front = Material(hsv(rng.random(), rng.uniform(0.0, 0.4), rng.uniform(0.5, 0.95)), gloss=0.25)
    front = wood(rng, 2) if rng.random() < 0.35 else front
    stone = Material(
        srgb(70, 68, 66) if rng.random() < 0.5 else srgb(200, 192, 180), "noise", srgb(120, 118, 112), 0.05
    )
    made = [_panel(edge, along, height / 2, (width, depth - 0.04, height), front)]
    count = max(2, round(width / 0.6))
    for k in range(count):
        x = along - width / 2 + width * (k + 0.5) / count
        made.append(_panel(edge, x, height / 2 + 0.03, (width / count - 0.02, depth - 0.02, height - 0.16), front))
        made.append(_panel(edge, x, height - 0.18, (0.16, depth + 0.01, 0.016), STEEL))
    made.append(_panel(edge, along, height, (width + 0.04, depth + 0.03, 0.04), stone))
    splash = Material(srgb(232, 232, 228), "tiles", srgb(190, 190, 186), 0.12, gloss=0.4, axes=_axes(edge))
    made.append(_panel(edge, along, height + 0.27, (width, 0.012, 0.5), splash))
    blocks = [join(made)]
    if tall:
        upper = []
        for k in range(count):
            x = along - width / 2 + width * (k + 0.5) / count
            upper.append(_panel(edge, x, 1.8, (width / count - 0.015, 0.34, 0.68), front))
            upper.append(_panel(edge, x, 1.52, (0.14, 0.36, 0.014), STEEL))
        blocks.append(join(upper))
    free = np.zeros((0, 2)) if tall else _walls_above(edge, height)
    return blocks, _top_spot(edge, along, depth, height + 0.02, width), free


def _walls_above(edge: Edge, height: float) -> Array:
    return np.array([[0.4, edge.length - 0.4]]) if height < 1.1 else np.zeros((0, 2))


def _top_spot(edge: Edge, along: float, depth: float, height: float, width: float) -> Spot:
    middle = edge.at(along, depth / 2)
    return Spot(vec(middle[0], middle[1], height), vec(0, 0, 1), vec(*edge.inward, 0), (width - 0.1, depth - 0.06))


def lamp(rng: np.random.Generator, height: float, blocks: list[Array], low: Array, high: Array) -> tuple[Mesh, Array]:
    """A lamp hanging from the ceiling, or one standing in a corner (which is added to `blocks`), and where it shines.

    Returns:
        The lamp, and the middle (3,) of its globe or shade.
    """
    shade = Material(hsv(rng.uniform(0.06, 0.16), rng.uniform(0.0, 0.3), 0.95), glow=0.55)
    if rng.random() < 0.6:
        x, y = (low + high) / 2
        drop = height - float(rng.uniform(0.3, 0.55))
        globe = ellipsoid((x, y, drop), (0.17, 0.17, 0.13), shade, 18, 10)
        return join([globe, cylinder((x, y, drop), (x, y, height), 0.008, STEEL, segments=5)]), vec(x, y, drop)
    x, y = (low[0] + 0.3, high[1] - 0.3) if rng.random() < 0.5 else (high[0] - 0.3, high[1] - 0.3)
    stand = [
        cylinder((x, y, 0), (x, y, 0.02), 0.14, STEEL, segments=16),
        cylinder((x, y, 0.02), (x, y, 1.5), 0.012, STEEL, segments=6),
        lathe([(0.2, 1.42), (0.12, 1.72)], shade, 20).at(x, y, 0),
    ]
    blocks.append(np.array([[x - 0.25, y - 0.25], [x + 0.25, y + 0.25]]))
    return join(stand), vec(x, y, 1.6)
