"""Throwing, catching and holding a frisbee."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.body.geometry import Array, X, Y, Z, degrees, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, heading, reach, relax
from interplay.world.posing.limbs import solve_arm
from interplay.world.posing.placing import arm_cost
from interplay.world.posing.stances import crouch, leap, other, side_sign, stand, stride
from interplay.world.scene import Person, SceneObject

from .ball_in_hand import from_shoulder
from .registry import act

LAWNS: tuple[PlaceKind, ...] = ("park", "beach")


def rim_grip(disc: SceneObject, side: str) -> Grip:
    """The rim, with the fingers under the disc and the thumb on top, for the hand of a side."""
    return replace(disc.model.grips["rim"], axis=X if side == "L" else -X, flip=False)


def take_disc(
    group: Group,
    person: Person,
    side: str,
    disc: SceneObject,
    at: Array,
    yaws: tuple[float, ...],
    pitches: tuple[float, ...],
) -> None:
    """Hold a disc by its rim at a point; it is turned about the vertical and tipped as is most comfortable."""
    base, grip = heading(person), rim_grip(disc, side)
    poses = []
    for yaw in yaws:
        for pitch in pitches:
            pose = np.eye(4)
            pose[:3, :3] = base @ degrees(Z, yaw) @ degrees(X, pitch)
            pose[:3, 3] = at - pose[:3, :3] @ grip.position
            poses.append(pose)
    disc.pose = min(poses, key=lambda pose: arm_cost(person, side, grip.moved(pose))).copy()
    disc.pose[:3, 3] += reach(person, side, grip.moved(disc.pose))[1]
    group.miss("hold frisbee", 0.0)


@act("throw a frisbee", {"frisbee": ("throw", "hold")}, LAWNS, weight=1.6, style="sport")
def throw_frisbee(group: Group) -> None:
    person = group.person()
    disc = group.make("frisbee")
    throw_disc(group, person, disc, released=bool(group.rng.random() < 0.45))


def throw_disc(group: Group, person: Person, disc: SceneObject, released: bool) -> None:
    """Throw backhand: the disc is drawn to the other side, or has just left the hand."""
    rng = group.rng
    front = stride(group, person, length=float(rng.uniform(0.22, 0.36)), lean=float(rng.uniform(4, 12)))
    side, s = front, side_sign(front)
    relax(group, person, other(side), swing=-10)
    if released:
        person.body.bend_spine(forward=8, twist=-s * float(rng.uniform(0, 16)))
        hand = from_shoulder(person, side, float(rng.uniform(0.04, 0.12)), 0.25, -float(rng.uniform(0.02, 0.1)))
        solve_arm(person.body, side, hand)
        away = heading(person) @ vec(s * 0.1, -1.0, 0.08)
        disc.pose[:3, :3] = degrees(Y, float(rng.uniform(-15, 15))) @ degrees(X, float(rng.uniform(-12, 12)))
        disc.pose[:3, 3] = hand + float(rng.uniform(0.3, 1.0)) * away
    else:
        person.body.bend_spine(forward=10, twist=s * -1 * float(rng.uniform(-30, -10)))
        at = from_shoulder(person, side, -float(rng.uniform(0.1, 0.18)), float(rng.uniform(0.17, 0.21)), -0.12)
        take_disc(group, person, side, disc, at, (s * -90, s * -60, s * -120, s * -150), (0, 15, -15))
    person.body.look_at(person.body.joint("head") + vec(0, -5.0, -0.3), share=0.9)
    group.relate(person, "throw", disc, "rim")
    if not released:
        group.relate(person, "hold", disc, "rim")


@act("catch a frisbee", {"frisbee": "catch", "": "jump"}, LAWNS, weight=1.6, style="sport")
def catch_frisbee(group: Group) -> None:
    rng = group.rng
    person = group.person()
    disc = group.make("frisbee")
    jumping = rng.random() < 0.35
    if jumping:
        leap(group, person, height=float(rng.uniform(0.08, 0.25)))
        group.relate(person, "jump")
    catch_disc(group, person, disc, float(rng.uniform(0.05, 0.24)), standing=not jumping)


def catch_disc(
    group: Group, person: Person, disc: SceneObject, up: float, standing: bool = True, gap: float = 0.0
) -> None:
    """Catch a disc with one hand `up` body heights over the shoulder; it is still `gap` metres away."""
    rng = group.rng
    if standing and rng.random() < 0.5:
        crouch(group, person, depth=float(rng.uniform(0.05, 0.3)), lean=float(rng.uniform(4, 16)))
    elif standing:
        stand(group, person, width=0.16)
    side = free_side(group)[0]
    # aside, so that neither the disc nor the forearm is before the face
    at = from_shoulder(person, side, float(rng.uniform(0.13, 0.22)), float(rng.uniform(0.16, 0.22)), up)
    take_disc(group, person, side, disc, at, (0, 25, -25, 50, -50), (0, 20, 40, -20))
    disc.pose[:3, 3] += gap * (heading(person) @ vec(0, -1, 0))
    if rng.random() < 0.5:
        relax(group, person, other(side))
    else:
        solve_arm(person.body, other(side), from_shoulder(person, other(side), 0.04, 0.2, up - 0.1))
    person.body.look_at(disc.pose[:3, 3])
    group.relate(person, "catch", disc, "rim")


@act("hold a frisbee", {"frisbee": "hold"}, LAWNS, style="sport")
def hold_frisbee(group: Group) -> None:
    rng = group.rng
    person = group.person()
    disc = group.make("frisbee")
    side = free_side(group)[0]
    stand(group, person)
    relax(group, person, other(side))
    if rng.random() < 0.5:
        at = from_shoulder(person, side, 0.04, 0.14, -0.16)
        take_disc(group, person, side, disc, at, (0, 30, -30), (0, 20, -20))
    else:
        at = from_shoulder(person, side, 0.08, 0.03, -0.3)
        take_disc(group, person, side, disc, at, (0, 90, -90, 180), (60, 80, -60, -80))
    group.relate(person, "hold", disc, "rim")
