"""Reading books."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, X, Z, degrees, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import INDOORS
from interplay.world.posing.group import Group, body_point
from interplay.world.posing.handling import heading, reach
from interplay.world.posing.placing import easiest, hold_both, turned_to
from interplay.world.posing.postures import SEATS, settle_anywhere
from interplay.world.posing.seating import hands_on_table
from interplay.world.posing.table import lean_in, put_before, sit_at_table
from interplay.world.scene import Person, SceneObject

from .registry import act

SIDES = {"L": "left side", "R": "right side"}


def facing_reader(person: Person, tilt: float) -> Array:
    """(3, 3) of an object whose user is at its -y: its far edge raised by `tilt` degrees."""
    return heading(person) @ degrees(Z, 180) @ degrees(X, tilt)


def read_in_hands(group: Group, person: Person, book: SceneObject, raised: float = 0.0) -> None:
    """Hold an open book in both hands before the chest, or so many body heights above, and look at it."""
    rng = group.rng
    up = raised + float(rng.uniform(-0.06, 0.0))
    poses = [
        turned_to(facing_reader(person, tilt), body_point(person, 0.0, ahead, up), vec(0, 0, 0))
        for tilt in (40.0, 58.0)
        for ahead in (0.17, 0.205, 0.24)
    ]
    book.pose = easiest(person, book, poses, SIDES)
    person.body.look_at(book.pose[:3, 3])
    hold_both(group, person, book, SIDES)
    group.relate(person, "hold,read,look", book, "page")


@act("read a book", {**SEATS, "book": ("hold", "read", "look")}, (*INDOORS, "park"), weight=2.0)
def read_book(group: Group) -> None:
    """Standing or sitting."""
    person = group.person()
    settle_anywhere(group, person, standing=0.5)
    read_in_hands(group, person, group.make("book"))


@act(
    "read a book at a table",
    {"chair": "sit on", "dining table": "sit at", "book": ("read", "look")},
    ("office", "living room", "kitchen"),
)
def read_at_table(group: Group) -> None:
    """The book lies open; one hand or both lie on its pages."""
    place = sit_at_table(group, group.person(), small=True, lean=7.0)
    person = place.person
    book = put_before(group, place, "book", float(group.rng.uniform(0.04, 0.09)))
    lean_in(person, "L", book.pose[:3, 3])
    person.body.look_at(book.pose[:3, 3])
    for side in "LR":
        if side == "R" and group.rng.random() < 0.4:
            hands_on_table(group, person, side, float(place.edge[2]))
            continue
        edge = book.model.grips[SIDES[side]].position
        page = Grip(vec(0.75 * edge[0], edge[1] - 0.03, edge[2] + 0.002), X, -Z, 0.0, "palm").moved(book.pose)
        miss = reach(person, side, page, place.elbow(side))[1]
        group.miss("hand on book", float(np.linalg.norm(miss)))
    group.relate(person, "read,look", book, "page")
