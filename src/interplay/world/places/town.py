"""Street and sports ground."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import vec
from interplay.body.materials import Material, hsv, srgb
from interplay.body.meshes import Mesh, box, circle, surface

from . import plants
from .buildings import block, house, lamp_post, net_fence, shop_front, wall_paint
from .kinds import PlaceKind
from .lights import daylight, tinted
from .nature import grass, skyline, trees, trunks
from .place import Edge, Place, footprint, ground, line, patch, square, view_box

PAINT = Material(srgb(236, 236, 230))


def _asphalt(rng: np.random.Generator) -> Material:
    grey = float(rng.uniform(78, 120))
    return Material(srgb(grey, grey, grey + 3), "ground", srgb(0.78 * grey, 0.78 * grey, 0.8 * grey), scale=0.8)


def _paving(rng: np.random.Generator) -> Material:
    tone = hsv(rng.uniform(0.05, 0.12), rng.uniform(0.02, 0.2), rng.uniform(0.6, 0.8))
    pattern = str(rng.choice(["tiles", "bricks", "ground"]))
    return Material(tone, pattern, tinted(tone, (0.72, 0.72, 0.72)), scale=float(rng.uniform(0.25, 0.6)))


def street(rng: np.random.Generator, clear: float, off_road: bool = False) -> Place:
    """A road with pavements between two rows of houses along x; people are on the road or on a pavement.

    Args:
        rng: source of randomness.
        clear: radius about the origin that stays free, metres.
        off_road: the whole circle is on a pavement: what is there has no place on a road.
    """
    width = float(rng.uniform(6.5, 9.0))
    pavement = float(rng.uniform(2.6, 4.5))
    middle = float(rng.choice([-1.0, 1.0] if off_road else [0.0, -1.0, 1.0])) * (width / 2 + pavement / 2)
    if off_road:
        middle = float(np.sign(middle)) * (width / 2 + max(pavement / 2, clear + 0.3))
    low, high = middle - width / 2, middle + width / 2
    backdrop = [ground(_paving(rng)), patch((-300, low), (300, high), _asphalt(rng), 0.002)]
    curb = Material(srgb(176, 174, 168), "noise", srgb(150, 148, 142), scale=0.5)
    edges = []
    for y, inward in ((low, 1.0), (high, -1.0)):
        backdrop.append(patch((-300, y - 0.09), (300, y + 0.09), curb, 0.004))
        if rng.random() < 0.4:
            backdrop.append(patch((-300, y + 0.4 * inward), (300, y + 0.4 * inward + 0.12), PAINT, 0.004))
        edges.append(Edge(vec(-22, y + 0.15 * inward), vec(22, y + 0.15 * inward), vec(0, inward)))
    if rng.random() < 0.6:
        backdrop += [patch((x, middle - 0.07), (x + 2.0, middle + 0.07), PAINT, 0.004) for x in range(-60, 60, 5)]
    if rng.random() < 0.35:
        x0 = float(rng.choice([-1.0, 1.0])) * float(rng.uniform(2, 8))
        backdrop += [patch((x0, y), (x0 + 3.0, y + 0.45), PAINT, 0.005) for y in np.arange(low + 0.5, high - 0.6, 0.95)]
    half = max(clear + 1.5, width / 2 + abs(middle) + pavement)
    blocks = []
    for side in (-1.0, 1.0):
        front = side * (half + float(rng.uniform(0, 3)))
        backdrop += _row(rng, front, side)
        blocks.append(np.sort(np.array([[-300, front - 0.4 * side], [300, front + 60 * side]]), axis=0))
    leaf = plants.leaf_material(rng)
    if rng.random() < 0.5:
        y = (high + 1.0) if rng.random() < 0.5 else (low - 1.0)
        row = [x for x in np.arange(-40, 41, float(rng.uniform(7, 11))) if abs(x) > clear]
        standing = [plants.tree(rng, float(x), y, float(rng.uniform(5, 8)), leaf) for x in row]
        backdrop += standing
        blocks += trunks(standing)
    elif rng.random() < 0.6:
        posts = [(float(x), high + 0.5) for x in np.arange(-48, 49, 12.0) if abs(x) > clear]
        backdrop += [lamp_post(x, y) for x, y in posts]
        blocks += [np.array([[x - 0.3, y - 0.3], [x + 0.3, y + 0.3]]) for x, y in posts]
    bounds = np.array([[-clear - 10, -half], [clear + 10, half]])
    view = np.array([[-28, -half + 0.2, 0.3], [28, half - 0.2, 4.5]])
    road = np.array([[-300, low], [300, high]])
    return Place("street", backdrop, daylight(rng, srgb(130, 128, 124)), bounds, view, blocks, edges, road=road)


def _row(rng: np.random.Generator, front: float, side: float) -> list[Mesh]:
    """Houses side by side whose fronts lie at y = `front` and look towards the street."""
    made, x = [], -70.0
    while x < 70:
        width, depth = float(rng.uniform(7, 15)), float(rng.uniform(9, 14))
        if rng.random() < 0.08:  # a gap with a wall
            made.append(
                block((width, 0.3, 2.2), x + width / 2, front + 0.4 * side, Material(wall_paint(rng), "bricks"))
            )
        else:
            made.append(house(rng, x + width / 2, front + side * depth / 2, width, depth, int(rng.integers(2, 6))))
            if rng.random() < 0.5:
                made.append(shop_front(rng, x + width / 2, front - 0.04 * side, 0.7 * width, -side))
        x += width + float(rng.choice([0.0, 0.0, 1.5]))
    return made


def tennis_court(rng: np.random.Generator, clear: float) -> Place:
    """A tennis court, with fences, trees or a stand around."""
    tones = (srgb(52, 104, 168), srgb(62, 128, 84), srgb(186, 96, 62), srgb(46, 84, 140), srgb(120, 150, 96))
    tone, outer = (tones[int(i)] for i in rng.permutation(len(tones))[:2])
    hard = Material(tone, "ground", tinted(tone, (0.9, 0.9, 0.9)), scale=0.7)
    around = Material(outer, "ground", tinted(outer, (0.9, 0.9, 0.9)), scale=0.7)
    x0, y0 = float(rng.uniform(-5, 5)), float(rng.uniform(-9, 9))
    backdrop = [ground(around), patch((x0 - 5.5, y0 - 11.9), (x0 + 5.5, y0 + 11.9), hard, 0.002)]
    for x in (-5.5, -4.1, 4.1, 5.5):
        backdrop.append(line((x0 + x, y0 - 11.9), (x0 + x, y0 + 11.9), 0.06, PAINT, 0.004))
    for y, half in ((-11.9, 5.5), (11.9, 5.5), (-6.4, 4.1), (6.4, 4.1)):
        backdrop.append(line((x0 - half, y0 + y), (x0 + half, y0 + y), 0.06, PAINT, 0.004))
    backdrop.append(line((x0, y0 - 6.4), (x0, y0 + 6.4), 0.06, PAINT, 0.004))
    blocks = []
    if abs(y0) > 2.5:
        backdrop += _net(x0, y0)
        blocks.append(np.array([[x0 - 6.6, y0 - 0.25], [x0 + 6.6, y0 + 0.25]]))
    return _enclosed(rng, "tennis court", clear, backdrop, blocks, hard)


def _net(x0: float, y0: float) -> list[Mesh]:
    net, tape = Material(srgb(30, 32, 34), opacity=0.42), PAINT
    corners = [(x0 - 6.4, y0, 0.05), (x0 + 6.4, y0, 0.05), (x0 + 6.4, y0, 0.92), (x0 - 6.4, y0, 0.92)]
    return [
        surface(corners, [(0, 1, 2), (0, 2, 3)], net),
        box((12.8, 0.03, 0.06), tape, (x0, y0, 0.94)),
        *(box((0.08, 0.08, 1.07), Material(srgb(40, 60, 50)), (x0 + s * 6.4, y0, 0.535)) for s in (-1, 1)),
    ]


def field(rng: np.random.Generator, clear: float) -> Place:
    """A playing field, for baseball or football, with fences, trees or a stand around."""
    lawn = grass(rng)
    backdrop = [ground(lawn)]
    x0, y0 = float(rng.uniform(-2, 2)), float(rng.uniform(-2, 2))
    if rng.random() < 0.5:  # an infield of dirt
        dirt = Material(srgb(176, 122, 84), "ground", srgb(150, 98, 66), scale=0.8)
        rim = np.column_stack([circle(float(rng.uniform(5, 9)), 40) + vec(x0, y0), np.full(40, 0.002)])
        fan = np.stack([np.arange(40), (np.arange(40) + 1) % 40, np.full(40, 40)], 1)
        backdrop.append(surface(np.vstack([rim, [(x0, y0, 0.002)]]), fan, dirt))
        for slope in (1.0, -1.0):
            backdrop.append(line((x0, y0), (x0 + 40 * slope, y0 + 40), 0.1, PAINT, 0.004))
    else:
        for y in (y0 - 3.0, y0 + 8.0):
            backdrop.append(line((-60, y), (60, y), 0.1, PAINT, 0.004))
        backdrop.append(line((x0 + 5, -60), (x0 + 5, 60), 0.1, PAINT, 0.004))
    return _enclosed(rng, "field", clear, backdrop, [], lawn)


def _enclosed(
    rng: np.random.Generator,
    kind: PlaceKind,
    clear: float,
    backdrop: list[Mesh],
    blocks: list[np.ndarray],
    floor: Material,
) -> Place:
    """A fence, hedge, stand or trees on the sides of a sports ground."""
    away = clear + float(rng.uniform(5, 12))
    leaf = plants.leaf_material(rng, 0.03)
    for start, end in (((-away, away), (away, away)), ((away, -away), (-away, -away)), ((away, away), (away, -away))):
        drawn = rng.random()
        if drawn < 0.4:
            made = [net_fence(start, end, float(rng.uniform(1.2, 3.5)), srgb(60, 72, 66))]
        elif drawn < 0.6:
            made = [plants.hedge(rng, start, end, float(rng.uniform(1.5, 2.6)), leaf)]
        elif drawn < 0.85:
            made = [_boards(rng, start, end)]
        else:
            made = []
        backdrop += made
        blocks += [footprint(m, 0.3) for m in made]
    if rng.random() < 0.3:
        backdrop += _stand(rng, away + 2.0)
    standing = trees(rng, int(rng.integers(4, 14)), away * 1.45 + 3, 60.0)
    backdrop += standing + skyline(rng)
    bounds = square(clear + 4)
    return Place(kind, backdrop, daylight(rng, floor.color), bounds, view_box(away - 0.5, 5.0), blocks)


def _boards(rng: np.random.Generator, start: tuple[float, float], end: tuple[float, float]) -> Mesh:
    """A low wall, painted."""
    tone = hsv(rng.random(), rng.uniform(0.2, 0.8), rng.uniform(0.25, 0.7))
    flat = abs(start[1] - end[1]) < 1e-9
    length = float(np.hypot(end[0] - start[0], end[1] - start[1]))
    height = float(rng.uniform(0.9, 2.6))
    paint = Material(tone, "picture", tinted(tone, (0.6, 0.6, 0.7)), scale=3.0)
    size = (length, 0.25, height) if flat else (0.25, length, height)
    return block(size, (start[0] + end[0]) / 2, (start[1] + end[1]) / 2, paint)


def _stand(rng: np.random.Generator, y: float) -> list[Mesh]:
    """Rows of steps to sit on."""
    concrete = Material(srgb(178, 176, 170), "noise", srgb(160, 158, 152), scale=0.8)
    seats = Material(hsv(rng.random(), 0.7, 0.6), "stripes", srgb(150, 150, 150), scale=0.5)
    made = []
    for k in range(5):
        made.append(box((34, 0.9, 0.45 * (k + 1)), concrete, (0, y + 0.9 * k, 0.225 * (k + 1))))
        made.append(box((33, 0.3, 0.06), seats, (0, y + 0.9 * k - 0.2, 0.45 * (k + 1) + 0.03)))
    return made
