"""What a place is made of."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from interplay.body.geometry import Array, vec
from interplay.body.materials import Color, Material
from interplay.body.meshes import Mesh, surface
from interplay.world.objects import Spot
from interplay.world.scene import Light

from .kinds import PlaceKind


@dataclass(frozen=True)
class Weather:
    """Light and sky of a place; the fields are those of `Scene`."""

    light: Light
    horizon: Color
    zenith: Color
    clouds: float = 0.0
    haze: float = float("inf")


@dataclass(frozen=True)
class Edge:
    """A straight line that objects are put against: the foot of a wall, a kerb.

    Attributes:
        start, end: (2,) on the ground.
        inward: (2,) unit vector away from the wall, where objects put there face.
        height: of the wall, metres; 0 for a kerb.
        hangable: stretches (N, 2) along the edge, in metres from its start, where something may hang on the wall.
    """

    start: Array
    end: Array
    inward: Array
    height: float = 0.0
    hangable: Array = field(default_factory=lambda: np.zeros((0, 2)))

    @property
    def length(self) -> float:
        """Metres."""
        return float(np.linalg.norm(self.end - self.start))

    def at(self, along: float, off: float = 0.0) -> Array:
        """(2,) the point `along` metres from the start and `off` metres from the wall."""
        return self.start + (self.end - self.start) / self.length * along + self.inward * off


@dataclass
class Place:
    """Surroundings without labels, at z = 0 around the origin.

    Attributes:
        kind: which of `kinds.PLACE_KINDS`.
        backdrop: meshes; the first `shell` of them are a room's walls and its lamp, which cast no shadow.
        weather: light and sky.
        bounds: (2, 2) lowest and highest x, y where people and objects may be.
        view: (2, 3) lowest and highest x, y, z where the camera may be.
        blocks: (N, 2, 2) lowest and highest x, y that parts of the backdrop take up.
        edges: walls and kerbs.
        ledges: surfaces of the backdrop that small objects may stand on.
        shell: see `backdrop`.
        road: (2, 2) lowest and highest x, y of the carriageway, if there is one.
    """

    kind: PlaceKind
    backdrop: list[Mesh]
    weather: Weather
    bounds: Array
    view: Array
    blocks: list[Array] = field(default_factory=list)
    edges: list[Edge] = field(default_factory=list)
    ledges: list[Spot] = field(default_factory=list)
    shell: int = 0
    road: Array | None = None

    @property
    def indoors(self) -> bool:
        """Whether there are walls all round."""
        return self.shell > 0


def square(half: float) -> Array:
    """(2, 2) bounds of a square about the origin."""
    return np.array([[-half, -half], [half, half]])


def view_box(half: float, height: float) -> Array:
    """(2, 3) room for the camera over a square about the origin."""
    return np.array([[-half, -half, 0.3], [half, half, height]])


def patch(low: tuple[float, float], high: tuple[float, float], material: Material, z: float = 0.0) -> Mesh:
    """A level rectangle, seen from above."""
    (x0, y0), (x1, y1) = low, high
    return surface([(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)], [(0, 1, 2), (0, 2, 3)], material)


def line(start: tuple[float, float], end: tuple[float, float], width: float, material: Material, z: float) -> Mesh:
    """A level stripe between two points."""
    a, b = vec(*start), vec(*end)
    d = (b - a) / np.linalg.norm(b - a)
    side = vec(-d[1], d[0]) * width / 2
    corners = [(*(a - side), z), (*(b - side), z), (*(b + side), z), (*(a + side), z)]
    return surface(corners, [(0, 1, 2), (0, 2, 3)], material)


def ground(material: Material, reach: float = 600.0) -> Mesh:
    """The level ground all round."""
    return patch((-reach, -reach), (reach, reach), material)


def footprint(mesh: Mesh, margin: float = 0.1) -> Array:
    """(2, 2) lowest and highest x, y of a mesh, widened by `margin`."""
    low, high = mesh.bounds()
    return np.stack([low[:2] - margin, high[:2] + margin])
