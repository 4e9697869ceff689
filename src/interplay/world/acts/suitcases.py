"""Suitcases: dragged, pushed, carried, lifted, sat on."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import X, Y, Z, degrees, transform, vec
from interplay.world.objects import make_object
from interplay.world.objects.base import Spot
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.fitting import make_fitted, scaled
from interplay.world.posing.group import Group, upright
from interplay.world.posing.handling import free_side, grasp, heading, hold, relax
from interplay.world.posing.placing import easiest, turned_to
from interplay.world.posing.seating import hands_on_lap
from interplay.world.posing.stances import crouch, other, side_sign, sit, stride
from interplay.world.scene import Person, SceneObject

from .ball_in_hand import from_shoulder
from .registry import act

TRAVEL: tuple[PlaceKind, ...] = ("street", "living room", "bedroom")


def wheel_behind(person: Person, side: str, case: SceneObject, angle: float, out: float) -> np.ndarray:
    """Pose of a suitcase tipped by `angle` degrees on its wheels so that its handle is at the hand that hangs back."""
    grip, wheels = case.model.grips["pull handle"].position, case.model.points["wheels"]
    turn = heading(person) @ degrees(Z, 180) @ degrees(X, -angle)
    pose = transform(turn, vec(0, 0, 0))
    handle = turn @ (grip - wheels)
    hand = from_shoulder(person, side, out, -0.08, 0.0)
    pose[:3, 3] = vec(hand[0], hand[1], handle[2]) - turn @ grip
    pose[2, 3] -= (turn @ case.model.mesh.vertices.T)[2].min() + pose[2, 3]
    return pose


@act("drag a suitcase", {"suitcase": ("drag", "pull", "hold"), "": "walk"}, ("street",), weight=2.2)
def drag_suitcase(group: Group) -> None:
    rng = group.rng
    person = group.person()
    case = make_fitted(group, person, "suitcase", least=0.75)
    stride(group, person, length=float(rng.uniform(0.2, 0.36)))
    side = free_side(group)[0]
    poses = [wheel_behind(person, side, case, angle, out) for angle in range(24, 62, 4) for out in (0.08, 0.12)]
    case.pose = easiest(person, case, poses, {side: "pull handle"})
    grasp(group, person, side, case, "pull handle")
    relax(group, person, other(side), swing=16)
    group.relate(person, "drag,pull,hold", case, "pull handle")
    group.relate(person, "walk")


@act("push a suitcase", {"suitcase": ("push", "hold"), "": "walk"}, ("street",))
def push_suitcase(group: Group) -> None:
    rng = group.rng
    person = group.person()
    case = make_fitted(group, person, "suitcase", least=0.75)
    stride(group, person, length=float(rng.uniform(0.16, 0.28)), lean=float(rng.uniform(3, 9)))
    side = free_side(group)[0]
    s, h = side_sign(side), person.rest.height
    handle = case.model.grips["pull handle"].position
    ahead = (0.06, 0.12, 0.18, 0.02)
    poses = [upright(vec(s * x * h, -y * h - handle[1], 0)) for x in (0.13, 0.17, 0.2) for y in ahead]
    case.pose = easiest(person, case, poses, {side: "pull handle"})
    grasp(group, person, side, case, "pull handle")
    relax(group, person, other(side), swing=14)
    group.relate(person, "push,hold", case, "pull handle")
    group.relate(person, "walk")


@act("carry a suitcase", {"suitcase": ("carry", "hold")}, TRAVEL, weight=1.2)
def carry_suitcase(group: Group) -> None:
    rng = group.rng
    person = group.person(adult=True)
    case = make_fitted(group, person, "suitcase", least=0.75, most=0.9, drawn_out=False)
    stride(group, person, length=float(rng.uniform(0.16, 0.3)))
    side = free_side(group)[0]
    s = side_sign(side)
    person.body.bend_spine(forward=3, left=-s * float(rng.uniform(4, 10)))
    at = from_shoulder(person, side, 0.13, 0.02, -0.3)
    grip = case.model.grips["top handle"].position
    base = heading(person)
    poses = [turned_to(base @ degrees(Z, yaw) @ degrees(Y, float(rng.uniform(-5, 5))), at, grip) for yaw in (90, -90)]
    case.pose = easiest(person, case, poses, {side: "top handle"})
    hold(group, person, side, case, "top handle")
    relax(group, person, other(side), swing=12)
    group.relate(person, "carry,hold", case, "top handle")


@act("lift a suitcase", {"suitcase": ("pick up", "lift", "hold")}, TRAVEL)
def lift_suitcase(group: Group) -> None:
    rng = group.rng
    person = group.person(adult=True)
    case = make_fitted(group, person, "suitcase", least=0.75, most=0.95, drawn_out=False)
    crouch(group, person, depth=float(rng.uniform(0.4, 0.75)), lean=float(rng.uniform(28, 46)), width=0.24)
    side = free_side(group)[0]
    h = person.rest.height
    raised = float(rng.uniform(0.02, 0.2))
    poses = [
        upright(vec(side_sign(side) * x * h, -y * h, raised), yaw)
        for x in (0.02, 0.06)
        for y in (0.3, 0.33, 0.36, 0.27)
        for yaw in (0.0, 0.5, -0.5)
    ]
    case.pose = easiest(person, case, poses, {side: "top handle"})
    hold(group, person, side, case, "top handle")
    relax(group, person, other(side))
    person.body.look_at(case.pose[:3, 3] + vec(0, 0, 0.5), share=0.8)
    group.relate(person, "pick up,lift,hold", case, "top handle")


@act("sit on a suitcase", {"suitcase": "sit on"}, ("street",), weight=0.7)
def sit_on_suitcase(group: Group) -> None:
    rng = group.rng
    person = group.person()
    model = make_object("suitcase", rng, group.library, drawn_out=False)
    small = float(np.clip(0.26 * person.rest.height / model.size[2], 0.45, 1.0))
    case = group.add(scaled(model, small))
    lid = float(case.model.mesh.bounds()[1, 2]) - 0.045 * small
    size = case.model.size
    seat = Spot(vec(0, 0, lid), Z, -Y, (float(size[0]), 0.24))
    sit(group, person, seat, knees_apart=0.2, feet_ahead=float(rng.uniform(0.0, 0.06)), slide=0.02)
    hands_on_lap(group, person)
    group.relate(person, "sit on", case, "lid")
