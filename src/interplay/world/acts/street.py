"""In the street: opening a car, paying at a meter, bending over a hydrant, holding on to a sign."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.body.geometry import Array, X, Y, Z, transform, unit, vec, yaw
from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.group import Group, upright
from interplay.world.posing.handling import free_side, grasp, hand_on, reach, relax
from interplay.world.posing.placing import arm_cost, easiest
from interplay.world.posing.stances import crouch, other, side_sign, stand
from interplay.world.scene import SceneObject

from .registry import act

ROAD: tuple[PlaceKind, ...] = ("street",)


HANDLE_HOLDS = ((Y, X), (Z, X), (Y, unit(vec(1, 0, 1))), (Y, unit(vec(1, 0, -1))))
"""Ways to take a door's handle: directions of the knuckles and of the palm, in the car's frame."""


def beside(object: SceneObject, name: str, facing: float, at: Array) -> Array:
    """Pose of an object, turned by `facing` radians, whose grip is over a point (x and y count)."""
    pose = transform(yaw(facing), vec(0, 0, 0))
    offset = pose[:3, :3] @ object.model.grips[name].position
    pose[:2, 3] = at[:2] - offset[:2]
    return pose


@act("open a car door", {"car": "open"}, ROAD, weight=1.5)
def open_door(group: Group) -> None:
    rng = group.rng
    person, car = group.person(adult=True), group.make("car")
    stand(group, person, lean=float(rng.uniform(4, 10)) + 75 * max(0.0, person.rest.height - 1.58))
    side = free_side(group)[0]
    h, s = person.rest.height, side_sign(side)
    # the handle is on the car's side at -x, which a quarter turn brings to +y, where the person is
    places = [vec(s * x * h, -y * h, 0) for x in (0.06, 0.14, 0.2) for y in (0.12, 0.18, 0.24, 0.28)]
    poses = []
    for slant in (0.0, 0.3, -0.3, 0.6, -0.6, 0.9, -0.9):
        outwards = yaw(slant - np.pi / 2) @ vec(-1, 0, 0)
        poses += [beside(car, "door", slant - np.pi / 2, at) for at in places if at @ outwards < -0.17 * h]
    ways = [replace(car.model.grips["door"], axis=axis, normal=normal) for axis, normal in HANDLE_HOLDS]
    best = [(easiest(person, car, poses, {side: way}), way) for way in ways]
    car.pose, way = min(best, key=lambda pair: arm_cost(person, side, pair[1].moved(pair[0])))
    miss = reach(person, side, way.moved(car.pose))[1]
    car.pose[:2, 3] += miss[:2]
    group.miss("hand on car", abs(float(miss[2])))
    relax(group, person, other(side))
    person.body.look_at(car.pose[:3, 3] + vec(0, 0, 0.9), share=0.8)
    group.relate(person, "open", car, "door")


@act("pay at a parking meter", {"parking meter": ("pay", "check")}, ROAD)
def pay_meter(group: Group) -> None:
    rng = group.rng
    person, meter = group.person(adult=True), group.make("parking meter")
    stand(group, person, lean=float(rng.uniform(0, 8)))
    side = free_side(group)[0]
    h, s = person.rest.height, side_sign(side)
    poses = [
        beside(meter, "front", np.pi + slant, vec(s * x * h, -y * h, 0))
        for slant in (0.0, 0.3, -0.3)
        for x in (0.02, 0.07)
        for y in (0.22, 0.25, 0.28)
    ]
    meter.pose = easiest(person, meter, poses, {side: "front"})
    grasp(group, person, side, meter, "front")
    relax(group, person, other(side))
    person.body.look_at(meter.pose[:3, 3] + vec(0, 0, 1.15))
    group.relate(person, "pay,check", meter, "front")


@act("bend over a fire hydrant", {"fire hydrant": "inspect"}, ROAD, weight=0.8)
def inspect_hydrant(group: Group) -> None:
    rng = group.rng
    person, hydrant = group.person(), group.make("fire hydrant")
    crouch(group, person, depth=float(rng.uniform(0.2, 0.5)), lean=float(rng.uniform(26, 44)), width=0.2)
    side = free_side(group)[0]
    h = person.rest.height
    at = vec(side_sign(side) * 0.04 * h, -float(rng.uniform(0.34, 0.38)) * h, 0)
    hydrant.pose = upright(at, float(rng.uniform(-np.pi, np.pi)))
    hand_on(group, person, side, hydrant.pose[:3, 3] + hydrant.model.grips["top"].position, Z)
    relax(group, person, other(side))
    person.body.look_at(hydrant.pose[:3, 3] + vec(0, 0, 0.5))
    group.relate(person, "inspect", hydrant, "top")


@act("hold on to a stop sign", {"stop sign": ("hold", "stand under")}, ROAD, weight=0.8)
def hold_sign(group: Group) -> None:
    rng = group.rng
    person, sign = group.person(), group.make("stop sign")
    stand(group, person)
    side = free_side(group)[0]
    h, s = person.rest.height, side_sign(side)
    places = [vec(s * x * h, -y * h, 0) for x in (0.2, 0.24, 0.28) for y in (0.04, 0.1)]
    poses = [upright(place, float(rng.uniform(-1, 1))) for place in places]
    sign.pose = easiest(person, sign, poses, {side: "post"})
    grasp(group, person, side, sign, "post")
    relax(group, person, other(side))
    group.relate(person, "hold,stand under", sign, "post")
