"""Telephones: talking, texting, taking a picture."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Z, degrees, frame, rotation, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import INDOORS, PlaceKind
from interplay.world.posing.group import Group, body_point
from interplay.world.posing.handling import free_side, heading, relax
from interplay.world.posing.lips import hold_by
from interplay.world.posing.placing import arm_cost, easiest, turned_to
from interplay.world.posing.postures import SEATS, rest_hands, settle_anywhere
from interplay.world.posing.skin import ear, eyes, head_frame
from interplay.world.posing.stances import side_sign
from interplay.world.scene import Person, SceneObject

from .reading import facing_reader
from .registry import act

EVERYWHERE: tuple[PlaceKind, ...] = (*INDOORS, "park", "street")


def in_hand(side: str, slant: float = 50.0) -> Grip:
    """How a phone lies in one hand: on the fingers, which cross its back `slant` degrees off its width."""
    a = np.radians(slant)
    return Grip(vec(0, -0.02, 0.0045), vec(-side_sign(side) * np.sin(a), np.cos(a), 0.0), Z, 0.011, flip=False)


def phone_to_ear(group: Group, person: Person, side: str, phone: SceneObject) -> None:
    """Hold a phone's upper end at the ear, its lower end towards the mouth."""
    body = person.body
    body.turn_head(nod=float(group.rng.normal(2, 5)), turn=float(group.rng.normal(0, 12)), tilt=side_sign(side) * 4.0)
    at, out = ear(person, side)
    head = head_frame(person)
    poses = []
    for back in (15.0, 30.0, 45.0):
        top = degrees(head[:, 0], -back) @ head[:, 2]
        turn = frame(top, -out)[:, [2, 0, 1]]
        turn = rotation(turn[:, 0], np.radians(8.0)) @ turn  # the lower end stands off the cheek
        poses.append(turned_to(turn, at + 0.012 * out, phone.model.points["speaker"]))
    grips = [in_hand(side, slant) for slant in (40.0, 60.0, 80.0)]
    ways = [(grip, easiest(person, phone, poses, {side: grip})) for grip in grips]
    grip, phone.pose = min(ways, key=lambda way: arm_cost(person, side, way[0].moved(way[1])))
    hold_by(group, person, side, phone, grip)
    speaker = phone.pose[:3, :3] @ phone.model.points["speaker"] + phone.pose[:3, 3]
    group.miss("cell phone at ear", abs(float(np.linalg.norm(speaker - at)) - 0.012))


@act("talk on a cell phone", {**SEATS, "cell phone": ("hold", "talk on")}, EVERYWHERE, weight=2.0)
def talk(group: Group) -> None:
    """The phone at one ear."""
    person = group.person()
    posture = settle_anywhere(group, person, standing=0.65)
    side, rest = free_side(group)
    phone = group.make("cell phone")
    phone_to_ear(group, person, side, phone)
    rest_hands(group, person, posture, rest)
    group.relate(person, "hold,talk on", phone, "back")


@act("text on a cell phone", {**SEATS, "cell phone": ("hold", "text on", "look")}, EVERYWHERE, weight=2.0)
def text(group: Group) -> None:
    """Before the chest, in one hand."""
    person, rng = group.person(), group.rng
    posture = settle_anywhere(group, person, standing=0.6)
    side, rest = free_side(group)
    phone = group.make("cell phone")
    ahead, up = float(rng.uniform(0.16, 0.21)), float(rng.uniform(-0.04, 0.05))
    at = body_point(person, 0.03 * side_sign(side), ahead, up)
    poses = [turned_to(facing_reader(person, tilt), at, vec(0, 0, 0)) for tilt in (35.0, 50.0, 65.0)]
    phone.pose = easiest(person, phone, poses, {side: in_hand(side, 20.0)})
    person.body.look_at(phone.pose[:3, 3])
    hold_by(group, person, side, phone, in_hand(side, 20.0))
    rest_hands(group, person, posture, rest)
    group.relate(person, "hold,text on,look", phone, "screen")


@act("take a picture with a cell phone", {"cell phone": ("hold", "look")}, EVERYWHERE)
def take_picture(group: Group) -> None:
    """The phone upright before the eyes, in one hand."""
    person, rng = group.person(), group.rng
    settle_anywhere(group, person, standing=1.0)
    phone = group.make("cell phone")
    side, rest = free_side(group)
    aside = side_sign(side) * float(rng.uniform(0.0, 0.06)) * heading(person)[:, 0]
    ahead = float(rng.uniform(0.17, 0.22)) * person.body.facing
    at = eyes(person) + person.rest.height * (aside + ahead - float(rng.uniform(0.0, 0.04)) * Z)
    phone.pose = turned_to(facing_reader(person, float(rng.uniform(76, 90))), at, vec(0, 0, 0))
    person.body.look_at(at)
    hold_by(group, person, side, phone, in_hand(side))
    relax(group, person, rest)
    group.relate(person, "hold,look", phone, "screen")
