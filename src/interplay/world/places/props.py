"""Objects that stand about in a place and that nobody uses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from interplay.body.geometry import Array, X, apply, degrees, transform, unit, vec
from interplay.world.objects import ObjectModel, Spot, make_object
from interplay.world.posing.group import upright
from interplay.world.scene import SceneObject

from .kinds import PlaceKind
from .place import Place
from .placement import Floor

_FLOOR: dict[PlaceKind, dict[str, float]] = {
    "park": {"bench": 3, "bicycle": 2, "dog": 2, "backpack": 2, "sports ball": 2, "frisbee": 1, "skateboard": 1}
    | {"handbag": 1, "bottle": 1, "horse": 0.4, "baseball glove": 0.4},
    "street": {"bench": 2, "fire hydrant": 2, "potted plant": 1.5, "suitcase": 1, "backpack": 1, "handbag": 1}
    | {"dog": 1, "skateboard": 1, "bicycle": 1.5, "stop sign": 1, "parking meter": 1},
    "tennis court": {"sports ball": 3, "tennis racket": 2, "bench": 1.5, "bottle": 1, "backpack": 1.5, "handbag": 0.4},
    "field": {"sports ball": 3, "baseball bat": 1.5, "baseball glove": 1, "bench": 2, "bottle": 1, "backpack": 1.5},
    "beach": {"surfboard": 2, "sports ball": 2, "frisbee": 1, "backpack": 1, "handbag": 1, "dog": 1.5}
    | {"bottle": 1, "bench": 0.5},
    "snow": {"skis": 2.5, "snowboard": 2.5, "backpack": 1.5, "bench": 1, "dog": 1},
    "living room": {"chair": 2, "potted plant": 1.5, "dining table": 1.5, "backpack": 0.7, "handbag": 0.7, "dog": 0.8}
    | {"suitcase": 0.5, "teddy bear": 0.7, "sports ball": 0.5, "bottle": 0.4},
    "bedroom": {"chair": 1.5, "teddy bear": 1, "suitcase": 1, "backpack": 1, "handbag": 0.7, "potted plant": 0.7}
    | {"dog": 0.4, "book": 0.4},
    "kitchen": {"chair": 2, "dining table": 2.5, "potted plant": 0.7, "handbag": 0.4, "dog": 0.6},
    "office": {"chair": 2.5, "dining table": 2, "potted plant": 1.5, "backpack": 1, "handbag": 0.7, "suitcase": 0.6},
}
_EDGE: dict[PlaceKind, dict[str, float]] = {
    "street": {"car": 4, "motorcycle": 1.2, "bicycle": 1.2, "traffic light": 0.7},
    "living room": {"couch": 2, "chair": 1, "potted plant": 1, "vase": 0.5, "bench": 0.2},
    "bedroom": {"bed": 2, "chair": 1, "potted plant": 0.7, "couch": 0.3},
    "kitchen": {"refrigerator": 2, "oven": 1.5, "chair": 0.7},
    "office": {"chair": 1, "potted plant": 1.5, "couch": 0.5},
}
_TOP: dict[PlaceKind, dict[str, float]] = {
    "living room": {"book": 2, "vase": 1.5, "cup": 1.5, "remote": 1, "laptop": 1, "bowl": 0.7, "wine glass": 1}
    | {"bottle": 1, "potted plant": 1, "cell phone": 0.7, "tv": 2.5, "teddy bear": 0.4},
    "bedroom": {"book": 2, "laptop": 1, "hair drier": 0.7, "cup": 1, "teddy bear": 1, "vase": 1, "cell phone": 1},
    "kitchen": {"bowl": 2, "cup": 2, "bottle": 2, "knife": 1, "spoon": 1, "fork": 1, "apple": 1.5, "orange": 1.5}
    | {
        "banana": 1.5,
        "wine glass": 1,
        "pizza": 1,
        "cake": 0.7,
        "sandwich": 0.7,
        "donut": 0.7,
        "microwave": 1.2,
        "carrot": 0.7,
    },
    "office": {"laptop": 2, "keyboard": 1.5, "mouse": 1.2, "book": 2, "cup": 1.5, "cell phone": 1, "bottle": 1}
    | {"scissors": 0.7, "potted plant": 0.5, "tv": 0.7},
}
_WALL: dict[PlaceKind, float] = {"living room": 0.3, "bedroom": 0.3, "kitchen": 0.5, "office": 0.5}
_COUNT = {"floor": (1, 5), "edge": (0, 4), "top": (0, 5)}
_LYING = ("baseball bat", "tennis racket")
_OWNED = ("backpack", "handbag", "suitcase", "bottle", "book", "teddy bear")
"""What lies where its owner is not far."""
ON_ROADS = ("bicycle", "car", "cell phone", "dog", "motorcycle", "skateboard", "sports ball", "umbrella")
"""What may be on a carriageway; everything else that stands or lies on the ground belongs on a pavement."""
_SMALL_PLANT = 0.55


@dataclass
class Surroundings:
    """A place being filled with objects.

    Attributes:
        place: without labels.
        bodies: (V, 3) vertices of everybody.
        objects: all labelled objects so far, those of the groups first.
        floor: which ground is taken.
        rng: source of randomness.
        library: the user's own objects.
    """

    place: Place
    bodies: Sequence[Array]
    objects: list[SceneObject]
    floor: Floor
    rng: np.random.Generator
    library: Mapping[str, ObjectModel] | None

    def fill(self) -> None:
        """Put objects against walls and kerbs, on the ground, on tables and on walls."""
        kind = self.place.kind
        for _ in range(self._count("edge", _EDGE.get(kind))):
            self._against_edge(self._draw(_EDGE[kind]))
        for _ in range(self._count("floor", _FLOOR[kind])):
            self._on_floor(self._draw(_FLOOR[kind]))
        if kind in _TOP:
            self._on_tops(_TOP[kind])
        if self.rng.random() < _WALL.get(kind, 0.0):
            self._clock()

    def _count(self, where: str, choices: Mapping[str, float] | None) -> int:
        low, high = _COUNT[where]
        return int(self.rng.integers(low, high + 1)) if choices else 0

    def _draw(self, choices: Mapping[str, float]) -> str:
        weights = np.array(list(choices.values()))
        return list(choices)[int(self.rng.choice(len(weights), p=weights / weights.sum()))]

    def _make(self, category: str) -> tuple[ObjectModel, Array]:
        """A model and the rotation (3, 3) in which it rests."""
        options = {"kind": self._ball()} if category == "sports ball" else {}
        model = make_object(category, self.rng, self.library, fine=False, **options)
        return model, degrees(X, 90) if category in _LYING else np.eye(3)

    def _ball(self) -> str:
        """The kind of ball that lies about: that of the game that is played."""
        if self.place.kind == "tennis court":
            return "tennis ball"
        baseball = any(t.category in ("baseball bat", "baseball glove") for t in self.objects)
        return "baseball" if baseball else "volleyball" if self.place.kind == "beach" else "football"

    def _is_off_road(self, points: Array) -> bool:
        road = self.place.road
        return road is None or not ((points[:, 1] > road[0, 1]) & (points[:, 1] < road[1, 1])).any()

    def _put(self, model: ObjectModel, turn: Array, position: Array) -> bool:
        """Add an object at (x, y, z of what it rests on) if the ground there is free."""
        base = _base(model, turn)
        if not self.floor.is_free(base + position[:2], 0.1):
            return False
        if model.category not in ON_ROADS and not self._is_off_road(base + position[:2]):
            return False
        self.floor.take(base + position[:2])
        self._add(model, turn, position)
        return True

    def _add(self, model: ObjectModel, turn: Array, position: Array) -> SceneObject:
        lowest = float((model.mesh.vertices @ turn[2]).min())
        made = SceneObject(model, transform(turn, position - vec(0, 0, lowest)))
        self.objects.append(made)
        return made

    def _against_edge(self, category: str) -> None:
        if not self.place.edges:
            return
        model, rest = self._make(category)
        for _ in range(8):
            edge = self.place.edges[int(self.rng.integers(len(self.place.edges)))]
            facing = edge.inward
            if edge.height == 0:  # along a kerb, as cars park
                along = (edge.end - edge.start) / edge.length
                facing = along * float(self.rng.choice([-1.0, 1.0]))
            turn = _facing(facing) @ rest
            reach = float((model.mesh.vertices @ turn.T[:, :2] @ -edge.inward).max())
            half = float(np.abs(model.mesh.vertices @ turn.T[:, :2] @ ((edge.end - edge.start) / edge.length)).max())
            if edge.length < 2 * half + 0.2:
                continue
            at = edge.at(float(self.rng.uniform(half + 0.1, edge.length - half - 0.1)), reach + 0.12)
            if self._put(model, turn, vec(*at, 0.0)):
                return

    def _on_floor(self, category: str) -> None:
        model, rest = self._make(category)
        for _ in range(10):
            if category in _OWNED or self.rng.random() < 0.5:  # near somebody: an object that could be used but is not
                body = self.bodies[int(self.rng.integers(len(self.bodies)))]
                middle, reach = body[:, :2].mean(0), float(self.rng.uniform(0.5, 1.4))
            else:
                middle, reach = np.zeros(2), float(self.rng.uniform(0.5, self.place.bounds[1].max()))
            reach += 0.5 * float(np.linalg.norm(model.size[:2]))
            angle, heading = self.rng.uniform(0, 2 * np.pi, 2)
            at = middle + reach * vec(np.cos(angle), np.sin(angle))
            turn = upright(vec(0, 0, 0), float(heading))[:3, :3] @ rest
            if self._put(model, turn, vec(*at, 0.0)):
                if category == "dining table":
                    self._chairs(self.objects[-1])
                return

    def _chairs(self, table: SceneObject) -> None:
        """Up to four chairs that face a table."""
        width, depth = table.model.size[:2]
        for k in self.rng.permutation(4)[: int(self.rng.integers(0, 4))]:
            model, _ = self._make("chair")
            side = vec(*[(0, -1), (1, 0), (0, 1), (-1, 0)][int(k)], 0.0)
            off = (
                0.5 * (width * abs(side[0]) + depth * abs(side[1]))
                + 0.5 * model.size[1]
                + float(self.rng.uniform(0.08, 0.2))
            )
            outward = table.pose[:3, :3] @ side
            self._put(model, _facing(-outward[:2]), table.pose[:3, 3] + off * outward)

    def _tops(self) -> list[Spot]:
        tops = [t.model.spots["top"].moved(t.pose) for t in self.objects if t.category == "dining table"]
        return tops + self.place.ledges

    def _on_tops(self, choices: Mapping[str, float]) -> None:
        """Small objects on tables and sideboards."""
        tops = self._tops()
        if not tops:
            return
        near = [apply(t.pose, t.model.mesh.vertices[::4]) for t in self.objects if t.model.size.max() < 1.0]
        taken = np.concatenate([*near, *(b[::12] for b in self.bodies)])
        for top in tops:
            for _ in range(self._count("top", choices)):
                made = self._on_top(top, self._draw(choices), taken)
                if made is not None:
                    taken = np.concatenate([taken, made.vertices()])

    def _on_top(self, top: Spot, category: str, taken: Array) -> SceneObject | None:
        model, rest = self._make(category)
        if category == "potted plant" and model.size.max() > _SMALL_PLANT:
            return None
        radius = 0.5 * float(np.linalg.norm(model.size[:2]))
        across = np.cross(top.ahead, top.normal)
        for _ in range(6):
            free = np.array(top.size) / 2 - 0.5 * np.sort(model.size[:2])[::-1] * vec(1.0, 1.0) - 0.02
            if (free < 0).any():
                return None
            u, v = self.rng.uniform(-free, free)
            at = top.position + u * across + v * top.ahead
            gap = np.linalg.norm(taken[:, :2] - at[:2], axis=1) - radius
            beside = (taken[:, 2] > at[2] - 0.05) & (taken[:, 2] < at[2] + model.size[2] + 0.3)
            if (gap[beside] < 0.03).any():
                continue
            turn = _facing(top.ahead[:2])
            wobble = float(self.rng.normal(0, 0.3)) if radius > 0.1 else float(self.rng.uniform(0, 6))
            if category not in ("microwave", "tv"):
                turn = upright(vec(0, 0, 0), wobble)[:3, :3] @ turn
            return self._add(model, turn @ rest, at)
        return None

    def _clock(self) -> None:
        free = [(e, stretch) for e in self.place.edges for stretch in e.hangable]
        if not free:
            return
        edge, (start, end) = free[int(self.rng.integers(len(free)))]
        model = make_object("clock", self.rng, self.library, fine=False)
        if end - start < model.size[0] + 0.1:
            return
        at = edge.at(float(self.rng.uniform(start, end - model.size[0])) + model.size[0] / 2)
        turn = _facing(edge.inward)
        back = float((model.mesh.vertices @ turn.T[:, :2] @ edge.inward).min())
        at = at - edge.inward * (back - 0.002)
        height = min(float(self.rng.uniform(1.7, 2.0)), edge.height - model.size[2])
        self.objects.append(SceneObject(model, transform(turn, vec(*at, height))))


def _facing(direction: Array) -> Array:
    """(3, 3) rotation about the vertical that turns an object's front (-y) to a direction (2,)."""
    d = unit(vec(direction[0], direction[1], 0.0))
    return np.array([[-d[1], -d[0], 0.0], [d[0], -d[1], 0.0], [0.0, 0.0, 1.0]])


def _base(model: ObjectModel, turn: Array) -> Array:
    """(N, 2) points that cover the ground under a model's bounding box, turned by (3, 3)."""
    low, high = model.mesh.bounds()
    axes = [np.linspace(a, b, max(2, int((b - a) / 0.08) + 1)) for a, b in zip(low, high, strict=True)]
    if abs(turn[2, 2]) > 0.5:
        axes[2] = low[2:]
    grid = np.stack(np.meshgrid(*axes, indexing="ij"), -1).reshape(-1, 3)
    return grid @ turn.T[:, :2]
