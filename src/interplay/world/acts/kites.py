"""Flying, launching and carrying kites."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, apply, degrees, frame, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side, heading, reach, relax
from interplay.world.posing.lines import add_line, fist_center
from interplay.world.posing.placing import arm_cost, turned_to
from interplay.world.posing.stances import other, side_sign, stand, stride
from interplay.world.posing.under_arm import hand_goal

from .ball_in_hand import from_shoulder
from .registry import act

WINDY: tuple[PlaceKind, ...] = ("park", "beach")


@act("fly a kite", {"kite": ("fly", "hold", "pull")}, WINDY, weight=2.2)
def fly_kite(group: Group) -> None:
    rng = group.rng
    person = group.person()
    kite = make_fitted(group, person, "kite", least=0.6, most=1.0)
    if rng.random() < 0.7:
        stand(group, person, lean=-float(rng.uniform(0, 5)))
    else:
        stride(group, person, length=float(rng.uniform(0.2, 0.36)))
    up, away = float(rng.uniform(1.0, 2.6)), float(rng.uniform(1.2, 3.0))
    at = person.body.joint("head") + vec(float(rng.normal(0, 0.7)), -away, up)
    turn = degrees(Z, 180 + float(rng.uniform(-30, 30))) @ degrees(X, float(rng.uniform(10, 45)))
    kite.pose = turned_to(turn, at, vec(0, 0, 0))
    bridle = apply(kite.pose, kite.model.points["bridle"])
    first, second = free_side(group)
    both = rng.random() < 0.6
    for k, side in enumerate((first, second) if both else (first,)):
        hand = from_shoulder(person, side, -0.04, 0.17 - 0.07 * k, float(rng.uniform(-0.02, 0.08)) - 0.1 * k)
        reach(person, side, Grip(hand, unit(bridle - hand), None, 0.01))
    if not both:
        relax(group, person, second)
    start = fist_center(person, first)
    add_line(group, start, bridle, sag=float(rng.uniform(0.0, 0.06)))
    if both:
        add_line(group, fist_center(person, second), start, sag=0.02)
    person.body.look_at(at)
    group.relate(person, "fly,hold,pull", kite, "line")


@act("carry a kite", {"kite": ("carry", "hold")}, WINDY)
def carry_kite(group: Group) -> None:
    rng = group.rng
    person = group.person()
    kite = make_fitted(group, person, "kite", least=0.6, most=1.0)
    stride(group, person, length=float(rng.uniform(0.18, 0.32)))
    side = free_side(group)[0]
    relax(group, person, other(side), swing=12)
    corner = kite.model.mesh.vertices[int(np.argmax(kite.model.mesh.vertices[:, 0]))]
    grip = Grip(vec(corner[0], 0.0, corner[2]), Z, -X, 0.008, "slab")
    at = hand_goal(person, side, low=0.3, out=0.1)
    base = heading(person)
    poses = []
    for rise in (0.0, 12.0, -10.0):  # on edge beside the body, the nose ahead and the tail behind
        for tilt in (0.0, 12.0):
            nose, down = base @ degrees(X, -rise) @ -Y, base @ vec(side_sign(side) * np.radians(tilt), 0, -1)
            axes = frame(nose, down)
            poses.append(turned_to(np.stack([axes[:, 1], axes[:, 2], axes[:, 0]], 1), at, grip.position))
    kite.pose = min(poses, key=lambda pose: arm_cost(person, side, grip.moved(pose))).copy()
    kite.pose[:3, 3] += reach(person, side, grip.moved(kite.pose))[1]
    group.relate(person, "carry,hold", kite, "edge")


@act("launch a kite", {"kite": ("launch", "hold")}, WINDY, weight=0.8)
def launch_kite(group: Group) -> None:
    rng = group.rng
    person = group.person()
    kite = make_fitted(group, person, "kite", least=0.6, most=1.0)
    stand(group, person, lean=-float(rng.uniform(0, 6)))
    side = free_side(group)[0]
    relax(group, person, other(side))
    grip = Grip(vec(0, 0.006, 0.04), Z, None, 0.008)
    at = from_shoulder(person, side, 0.02, 0.12, float(rng.uniform(0.2, 0.26)))
    turn = heading(person) @ degrees(Z, float(rng.uniform(-25, 25))) @ degrees(X, -float(rng.uniform(20, 45)))
    kite.pose = turned_to(turn, at, grip.position)
    kite.pose[:3, 3] += reach(person, side, grip.moved(kite.pose))[1]
    person.body.look_at(at + vec(0, -1, 0.4))
    group.relate(person, "launch,hold", kite, "spar")
