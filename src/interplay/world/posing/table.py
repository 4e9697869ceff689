"""Sitting at a table: chair, table and person in a fitting distance, and where objects lie on the top."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from interplay.body.geometry import Array, apply, transform, vec
from interplay.body.model import PARTS
from interplay.world.objects import ObjectModel, make_object
from interplay.world.scene import Person, SceneObject

from .fitting import scaled
from .group import Group, upright
from .seating import take_seat
from .stances import side_sign, stand

_TRUNK = [PARTS.index(p) for p in ("hips", "belly", "chest")]
_THIGHS = [PARTS.index(f"{side} {part}") for side in ("left", "right") for part in ("thigh", "shin")]

_LOWER = [PARTS.index(f"{side} {part}") for side in ("left", "right") for part in ("shin", "foot")]


@dataclass(frozen=True)
class TablePlace:
    """Someone's place at a table.

    Attributes:
        person, chair, table: who sits on what at what; no chair for one who stands.
        edge: (3,) middle of the table's near edge, on the top.
        frame: (3, 3) columns to the person's left, back and up.
        depth: of the table as seen from here, metres.
    """

    person: Person
    chair: SceneObject | None
    table: SceneObject
    edge: Array
    frame: Array
    depth: float

    def at(self, left: float, ahead: float) -> Array:
        """(3,) point on the top, so many metres to the left and beyond the near edge."""
        return self.edge + self.frame @ vec(left, -ahead, 0.0)

    def pose(self, left: float, ahead: float, turn: float = 0.0) -> Array:
        """Pose (4, 4) of an object on the top; its front (-y) looks away from the person, turned by radians."""
        return transform(self.frame, self.at(left, ahead)) @ upright(vec(0, 0, 0), turn)

    def elbow(self, side: str, raised: bool = False) -> Array:
        """(3,) where an elbow points: outwards, not down through the top; `raised` for hands that are at the mouth."""
        return self.frame @ (vec(0.9 * side_sign(side), 0.1, -0.5) if raised else vec(side_sign(side), 0.4, 0.2))

    @property
    def reach(self) -> float:
        """How far beyond the near edge hands work in comfort, metres."""
        return 0.13 * self.person.rest.height


def sit_at_table(group: Group, person: Person, small: bool = False, lean: float = 6.0, away: float = 0.0) -> TablePlace:
    """Sit on a new chair at a new table, facing -y; thighs find room under the top.

    Args:
        group: the person's.
        person: who sits.
        small: whether a table for one or two will do.
        lean: degrees that the trunk leans towards the table.
        away: metres by which the chair is drawn back further than for a meal.
    """
    chair = group.make("chair")
    _sit(group, person, chair, lean)
    gap, aside = away + _gap(group), float(group.rng.uniform(-0.12, 0.12))
    for _ in range(5):
        table = _high_enough(person, make_object("dining table", group.rng, group.library, small=small))
        depth, top = _extent(table), _top(table)
        edge = vec(person.body.root[0], -_front(person, top) - gap, top)
        aside *= max(0.0, table.spots["top"].size[0] - 0.8)
        pose = upright(vec(edge[0] + aside, edge[1] - depth / 2, 0.0))
        if _room_for_feet(person, table, pose):
            break
    placed = group.add(table, pose)
    group.relate(person, "sit at", placed, "top")
    return TablePlace(person, chair, placed, edge, np.eye(3), depth)


def stand_at_table(group: Group, person: Person) -> TablePlace:
    """Stand before a new table, facing -y."""
    stand(group, person, lean=float(group.rng.uniform(4, 10)))
    table = make_object("dining table", group.rng, group.library, small=bool(group.rng.random() < 0.5))
    depth, top = _extent(table), _top(table)
    edge = vec(person.body.root[0], -_front(person, top) - _gap(group), top)
    placed = group.add(table, upright(vec(edge[0], edge[1] - depth / 2, 0.0)))
    return TablePlace(person, None, placed, edge, np.eye(3), depth)


def sit_opposite(group: Group, person: Person, place: TablePlace, lean: float = 6.0) -> TablePlace:
    """Sit on a new chair across the table."""
    turned = upright(vec(0, 0, 0), np.pi)
    chair = group.make("chair", turned)
    _sit(group, person, chair, lean)
    edge = place.at(0.0, place.depth)
    front = _front(person, edge[2], sign=-1.0)
    shift = vec(edge[0] - person.body.root[0], edge[1] - front - _gap(group), 0.0)
    person.body.shift(shift)
    person.body.update()
    chair.pose = transform(None, shift) @ chair.pose
    group.relate(person, "sit at", place.table, "top")
    return TablePlace(person, chair, place.table, edge, turned[:3, :3], place.depth)


def _room_for_feet(person: Person, table: ObjectModel, pose: Array) -> bool:
    """Whether neither the table's legs nor its base stand where the feet and shins are."""
    legs = person.vertices()[np.isin(person.body.model.part, _LOWER)]
    stands = apply(pose, table.mesh.vertices)
    stands = stands[stands[:, 2] < 0.5 * _top(table)]
    return all(
        not np.all((stands > low - 0.02) & (stands < high + 0.02), axis=1).any()
        for half in (legs[legs[:, 0] < person.body.root[0]], legs[legs[:, 0] >= person.body.root[0]])
        for low, high in ((half.min(0), half.max(0)),)
    )


def put_before(group: Group, place: TablePlace, category: str, gap: float, left: float = 0.0) -> SceneObject:
    """Put an object whose user is at its -y on the table, `gap` metres beyond the near edge."""
    object = group.make(category)
    front = float(object.model.mesh.bounds()[0][1])
    object.pose = place.pose(left, gap - front, np.pi + float(group.rng.uniform(-0.06, 0.06)))
    return object


def lean_in(person: Person, side: str, target: Array) -> None:
    """Bend the trunk forward until a hand's tool reaches a point on the table, at most as far as one does in eating."""
    body, h = person.body, person.rest.height
    for forward in (6.0, 12.0, 18.0, 24.0, 30.0):
        if np.linalg.norm(body.joint(f"upperarm01.{side}") - target) < 0.38 * h:
            return
        body.bend_spine(forward=forward)


def _sit(group: Group, person: Person, chair: SceneObject, lean: float) -> None:
    rng = group.rng
    take_seat(
        group,
        person,
        chair,
        recline=-lean * float(rng.uniform(0.3, 1.0)),
        knees_apart=float(rng.uniform(0.06, 0.16)),
        feet_ahead=float(rng.uniform(-0.02, 0.03)),
        slide=0.05,
    )


def _gap(group: Group) -> float:
    return float(group.rng.uniform(0.03, 0.08))


def _front(person: Person, top: float, sign: float = 1.0) -> float:
    """How far the trunk reaches towards -y (or, with a negative sign, +y) about a table top's height."""
    trunk = person.vertices()[np.isin(person.body.model.part, _TRUNK)]
    level = np.abs(trunk[:, 2] - top) < 0.1
    return float((-sign * trunk[:, 1])[level].max(initial=0.08))


def _extent(table: ObjectModel) -> float:
    low, high = table.mesh.bounds()
    return float(high[1] - low[1])


def _top(table: ObjectModel) -> float:
    return float(table.spots["top"].position[2])


def _high_enough(person: Person, table: ObjectModel) -> ObjectModel:
    """The table, raised a little where the thighs would touch its underside."""
    x, y, z = table.mesh.vertices.T
    between_legs = (np.abs(x) < 0.24) & (y > y.max() - 0.33) & (z > 0.6 * _top(table))
    clearance = float(z[between_legs].min(initial=_top(table)))
    thighs = person.vertices()[np.isin(person.body.model.part, _THIGHS)]
    needed = float(thighs[:, 2].max()) + 0.012
    return scaled(table, min(needed / clearance, 1.15)) if needed > clearance else table
