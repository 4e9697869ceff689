"""Living room, bedroom, kitchen and office: four walls, a window, a door, pictures, a carpet, fitted furniture."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interplay.body.geometry import Array, vec
from interplay.body.materials import Material, hsv, srgb
from interplay.body.meshes import Mesh, box, join, surface
from interplay.world.objects import Spot
from interplay.world.objects.paint import fabric, wood

from .fittings import door, lamp, picture, radiator, shelf, window, worktop
from .kinds import PlaceKind
from .lights import lamplight, tinted
from .place import Edge, Place, footprint, patch

_FLOORS = {
    "living room": ("planks", "planks", "carpet", "tiles"),
    "bedroom": ("planks", "carpet", "carpet"),
    "kitchen": ("tiles", "tiles", "planks"),
    "office": ("carpet", "planks", "tiles"),
}


@dataclass(frozen=True)
class Room:
    """The inner size of a room: x and y from `low` to `high` (2,), and its height, metres."""

    low: Array
    high: Array
    height: float

    def edges(self) -> list[Edge]:
        """The four walls, counter-clockwise from the one at the lowest y."""
        (x0, y0), (x1, y1) = self.low, self.high
        corners = [vec(x0, y0), vec(x1, y0), vec(x1, y1), vec(x0, y1)]
        inward = [vec(0, 1), vec(-1, 0), vec(0, -1), vec(1, 0)]
        return [Edge(a, b, n, self.height) for a, b, n in zip(corners, [*corners[1:], corners[0]], inward, strict=True)]


def room(rng: np.random.Generator, kind: PlaceKind, clear: Array) -> Place:
    """A furnished room around a free rectangle about the origin, of half the width and depth `clear` (2,)."""
    around = np.maximum(rng.uniform(0.5, 1.5, (2, 2)), 1.6 - clear)
    space = Room(-(clear + around[0]), clear + around[1], float(rng.uniform(2.45, 3.0)))
    floor = _floor(rng, kind)
    edges = space.edges()
    blocks: list[Array] = []
    light, bulb = lamp(rng, space.height, blocks, space.low, space.high)
    backdrop = [patch(tuple(space.low), tuple(space.high), floor), *_walls(rng, space, kind), light]
    shell = len(backdrop)
    ledges: list[Spot] = []
    order = [int(i) for i in rng.permutation(4)]
    glazed, entered = edges[order[0]], edges[order[1]]
    backdrop.append(_skirting(space))
    panes, free, daylight = window(rng, glazed, curtained=kind != "kitchen" and rng.random() < 0.6)
    backdrop += panes
    hangable = {id(glazed): free}
    if rng.random() < 0.5:
        heater = radiator(glazed)
        backdrop.append(heater)
        blocks.append(footprint(heater))
    leaf, free = door(rng, entered)
    backdrop.append(leaf)
    blocks.append(footprint(leaf, 0.6))
    hangable[id(entered)] = free
    fitted = edges[order[2]]
    if kind == "kitchen" or (kind == "office" and rng.random() < 0.4):
        made, ledge, taken = worktop(rng, fitted, tall=kind == "kitchen")
        ledges.append(ledge)
    else:
        made, ledge, taken = shelf(rng, fitted)
        ledges.append(ledge)
    backdrop += made
    blocks += [footprint(m) for m in made]
    hangable[id(fitted)] = taken
    walls = []
    for edge in edges:
        free = hangable.get(id(edge), np.array([[0.5, edge.length - 0.5]]))
        if rng.random() < 0.75 and len(free):
            hung, free = picture(rng, edge, free)
            backdrop += hung
        walls.append(Edge(edge.start, edge.end, edge.inward, edge.height, free))
    if kind in ("living room", "bedroom") and rng.random() < 0.6:
        backdrop.append(_rug(rng, clear))
    by_day = rng.random() < 0.6
    weather = lamplight(rng, daylight if by_day else bulb, by_day, floor.color)
    view = np.array([[*(space.low + 0.25), 0.5], [*(space.high - 0.25), space.height - 0.35]])
    bounds = np.stack([space.low + 0.05, space.high - 0.05])
    return Place(kind, backdrop, weather, bounds, view, blocks, walls, ledges, shell)


def _floor(rng: np.random.Generator, kind: PlaceKind) -> Material:
    covering = str(rng.choice(_FLOORS[kind]))
    if covering == "planks":
        tone = wood(rng).color
        axes = (0, 1) if rng.random() < 0.5 else (1, 0)
        return Material(tone, "planks", tinted(tone, (0.45, 0.42, 0.4)), float(rng.uniform(0.1, 0.18)), 0.25, 24, axes)
    if covering == "tiles":
        tone = hsv(rng.uniform(0.05, 0.15), rng.uniform(0.0, 0.2), rng.uniform(0.6, 0.92))
        return Material(tone, "tiles", tinted(tone, (0.6, 0.6, 0.6)), float(rng.uniform(0.3, 0.6)), 0.35, 40)
    tone = hsv(rng.random(), rng.uniform(0.05, 0.35), rng.uniform(0.4, 0.75))
    return Material(tone, "ground", tinted(tone, (0.8, 0.8, 0.8)), scale=0.25)


def _walls(rng: np.random.Generator, space: Room, kind: PlaceKind) -> list[Mesh]:
    """Four walls, one of which may have another colour, and the ceiling."""
    light = hsv(rng.random(), rng.uniform(0.02, 0.22), rng.uniform(0.78, 0.94))
    plain = Material(light, "noise", tinted(light, (0.93, 0.93, 0.93)), scale=1.5)
    special = plain
    if rng.random() < 0.5:
        tone = hsv(rng.random(), rng.uniform(0.15, 0.5), rng.uniform(0.45, 0.85))
        pattern = str(rng.choice(["noise", "stripes", "bricks", "tiles" if kind == "kitchen" else "dots"]))
        scale = {"stripes": 0.16, "bricks": 0.08, "tiles": 0.15, "dots": 0.12}.get(pattern, 1.0)
        special = Material(tone, pattern, tinted(tone, (0.85, 0.85, 0.85)), scale)
    chosen = int(rng.integers(4))
    made = []
    for k, edge in enumerate(space.edges()):
        look = special if k == chosen else plain
        axes = (0, 2) if abs(edge.inward[1]) > 0.5 else (1, 2)
        material = Material(look.color, look.pattern, look.second, look.scale, axes=axes)
        a, b = edge.start, edge.end
        corners = [(*a, 0.0), (*b, 0.0), (*b, space.height), (*a, space.height)]
        made.append(surface(corners, [(0, 2, 1), (0, 3, 2)], material))
    white = Material(srgb(236, 235, 230))
    made.append(patch(tuple(space.low), tuple(space.high), white, space.height))
    return made


def _skirting(space: Room) -> Mesh:
    white = Material(srgb(232, 230, 224))
    parts = []
    for edge in space.edges():
        middle = edge.at(edge.length / 2, 0.008)
        size = (edge.length, 0.016, 0.08) if abs(edge.inward[1]) > 0.5 else (0.016, edge.length, 0.08)
        parts.append(box(size, white, (middle[0], middle[1], 0.04)))
    return join(parts)


def _rug(rng: np.random.Generator, clear: Array) -> Mesh:
    width, depth = rng.uniform(1.2, max(1.4, 1.6 * clear[0])), rng.uniform(1.0, max(1.2, 1.3 * clear[1]))
    x, y = rng.uniform(-0.6, 0.6, 2)
    cloth = fabric(rng)
    cloth = Material(cloth.color, str(rng.choice(["plaid", "dots", "noise", "stripes"])), cloth.second, 0.22)
    return patch((x - width / 2, y - depth / 2), (x + width / 2, y + depth / 2), cloth, 0.004)
