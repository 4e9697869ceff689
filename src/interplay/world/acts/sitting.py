"""Sitting on chairs, couches and beds."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, vec
from interplay.world.places.kinds import INDOORS
from interplay.world.posing.group import Group, upright
from interplay.world.posing.seating import (
    hand_on_armrest,
    hands_on_lap,
    idle_hands,
    lounging,
    seat_height,
    take_seat,
    upright_sitting,
)
from interplay.world.scene import Person, SceneObject

from .registry import act


@act("sit on a chair", {"chair": "sit on"}, INDOORS, weight=1.5)
def sit_on_chair(group: Group) -> None:
    """Hands on the lap, beside the hips or talking."""
    chair = group.make("chair")
    person = group.person()
    take_seat(group, person, chair, **upright_sitting(group))
    idle_hands(group, person, seat_height(chair))


@act("sit on a couch", {"couch": "sit on"}, ("living room", "office"), weight=1.5)
def sit_on_couch(group: Group) -> None:
    """Leaning back, perhaps with a hand on the couch's arm."""
    couch = group.make("couch")
    settle(group, group.person(), couch, "left seat" if group.rng.random() < 0.5 else "right seat")


@act("sit on a couch together", {"couch": "sit on"}, ("living room",))
def sit_together(group: Group) -> None:
    """Two people, who mostly look at each other."""
    couch = group.make("couch")
    pair = [group.person(), group.person()]
    for person, seat in zip(pair, ("left seat", "right seat"), strict=True):
        settle(group, person, couch, seat)
    for person, friend in zip(pair, pair[::-1], strict=True):
        if group.rng.random() < 0.7:
            person.body.look_at(friend.body.joint("head"), share=0.8)


@act("sit on a bed", {"bed": "sit on"}, ("bedroom",), weight=1.2)
def sit_on_bed(group: Group) -> None:
    """On the bed's side."""
    bed = group.make("bed", pose=bed_side())
    spot = bed.model.spots["edge"].moved(bed.pose)
    bed.pose[:3, 3] += vec(float(group.rng.uniform(-0.3, 0.3)) * spot.size[0] / 2, 0, 0)
    person = group.person()
    take_seat(group, person, bed, "edge", **upright_sitting(group))
    idle_hands(group, person, seat_height(bed, "edge"))


def bed_side() -> Array:
    """Pose of a bed whose side, where one sits, looks along -y."""
    return upright(vec(0, 0, 0), 0.5 * np.pi)


def settle(group: Group, person: Person, couch: SceneObject, seat: str) -> None:
    """Sit on one seat of a couch with nothing in the hands."""
    take_seat(group, person, couch, seat, **lounging(group))
    outer = "L" if seat.startswith("left") else "R"
    idle_hands(group, person, seat_height(couch, seat), "R" if outer == "L" else "L")
    if group.rng.random() < 0.5:
        hand_on_armrest(group, person, outer, couch, seat)
    else:
        hands_on_lap(group, person, outer)
