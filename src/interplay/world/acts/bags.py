"""Backpacks and handbags: worn, carried, held, hung over an arm."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, Z, degrees, frame, unit, vec
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, heading, hold, relax
from interplay.world.posing.limbs import solve_arm
from interplay.world.posing.placing import easiest, turned_to
from interplay.world.posing.skin import skin_point
from interplay.world.posing.stances import other, side_sign, stand, stride
from interplay.world.scene import Person, SceneObject

from .ball_in_hand import from_shoulder
from .registry import act

TOWN: tuple[PlaceKind, ...] = ("street", "park")


def walk_or_stand(group: Group, person: Person, sides: str) -> bool:
    """Walk or stand, the arms of some sides hanging; says whether the person walks."""
    walking = bool(group.rng.random() < 0.6)
    if walking:
        stride(group, person, length=float(group.rng.uniform(0.18, 0.36)))
    else:
        stand(group, person)
    relax(group, person, sides, swing=14 if walking else 0)
    return walking


def put_on_backpack(group: Group, person: Person) -> SceneObject:
    """A backpack on a posed person's back, its straps over the shoulders."""
    bag = make_fitted(group, person, "backpack", least=0.72, most=1.1)
    chest = person.body.orientation("spine02")
    shoulders = 0.5 * (person.body.joint("upperarm01.L") + person.body.joint("upperarm01.R"))
    top = shoulders + person.rest.height * (chest @ vec(0, 0.0, 0.05))
    back = skin_point(person, top - 0.1 * person.rest.height * chest[:, 2], chest[:, 1], 0.05, ("chest",))
    strap = bag.model.points["strap top"]
    bag.pose = turned_to(chest, top, vec(0, strap[1], strap[2]))
    bag.pose[:3, 3] += chest[:, 1] * float((back - bag.pose[:3, 3]) @ chest[:, 1] + 0.002)
    group.relate(person, "wear,carry", bag, "straps")
    return bag


@act("wear a backpack", {"backpack": ("wear", "carry"), "": ("walk", "stand")}, TOWN, weight=2.2)
def wear_backpack(group: Group) -> None:
    person = group.person()
    walking = walk_or_stand(group, person, "LR")
    put_on_backpack(group, person)
    group.relate(person, "walk" if walking else "stand")


@act("carry a backpack in the hand", {"backpack": ("carry", "hold")}, TOWN, weight=0.8)
def carry_backpack(group: Group) -> None:
    person = group.person()
    side = free_side(group)[0]
    walk_or_stand(group, person, other(side))
    bag = make_fitted(group, person, "backpack", least=0.72)
    dangle(group, person, side, bag, "top loop", out=0.15)
    group.relate(person, "carry,hold", bag, "top loop")


def dangle(group: Group, person: Person, side: str, bag: SceneObject, name: str, out: float = 0.1) -> None:
    """Let a bag hang by a grip from a hand that hangs down."""
    at = from_shoulder(person, side, out, float(group.rng.uniform(0.0, 0.05)), -0.305)
    base, grip = heading(person), bag.model.grips[name].position
    turns = [base @ degrees(Z, side_sign(side) * yaw + float(group.rng.uniform(-15, 15))) for yaw in (90, -90, 70)]
    bag.pose = easiest(person, bag, [turned_to(turn, at, grip) for turn in turns], {side: name})
    hold(group, person, side, bag, name)


@act("carry a handbag", {"handbag": ("carry", "hold")}, TOWN, weight=2.0)
def carry_handbag(group: Group) -> None:
    person = group.person()
    side = free_side(group)[0]
    walk_or_stand(group, person, other(side))
    bag = group.make("handbag")
    dangle(group, person, side, bag, "loop")
    group.relate(person, "carry,hold", bag, "loop")


@act("carry a handbag on the forearm", {"handbag": "carry"}, TOWN, weight=1.2)
def handbag_on_arm(group: Group) -> None:
    rng = group.rng
    person = group.person(adult=True)
    side = free_side(group)[0]
    walk_or_stand(group, person, other(side))
    body = person.body
    solve_arm(
        body, side, from_shoulder(person, side, 0.08, float(rng.uniform(0.15, 0.18)), -float(rng.uniform(0.1, 0.14)))
    )
    elbow, wrist = body.joint(f"lowerarm01.{side}"), body.joint(f"wrist.{side}")
    along = unit(wrist - elbow)
    at = elbow + 0.45 * (wrist - elbow)
    names = ("left forearm",) if side == "L" else ("right forearm",)
    up = Z - along[2] * along
    surface = skin_point(person, at, up, 0.02, names)
    bag = group.make("handbag")
    bag.pose = turned_to(hang_from(along), surface, bag.model.points["loop"] - vec(0, 0, 0.008))
    group.relate(person, "carry", bag, "loop")


def hang_from(along: Array) -> Array:
    """(3, 3) rotation of a bag whose loop lies across an arm that points along (3,)."""
    across = unit(np.cross(Z, along))
    turn = frame(across, Z)
    return np.stack([turn[:, 0], np.cross(turn[:, 1], turn[:, 0]), turn[:, 1]], 1)
