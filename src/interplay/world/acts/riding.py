"""Riding and pushing bicycles and motorcycles."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from interplay.body.geometry import X, Y, degrees, transform, vec
from interplay.world.objects.base import Grip, Spot
from interplay.world.posing.fitting import make_fitted
from interplay.world.posing.group import Group, upright
from interplay.world.posing.handling import free_side, hand_on, reach, relax
from interplay.world.posing.mounting import (
    astride,
    feet_on_pedals,
    flank,
    foot_down,
    handles,
    lean_to,
    look_ahead,
    take_handles,
    tread,
)
from interplay.world.posing.placing import arm_cost, easiest
from interplay.world.posing.seating import hands_on_lap
from interplay.world.posing.stances import hip_height, other, side_sign, stride
from interplay.world.scene import Person, SceneObject

from .registry import act

MOUNTED = ("ride", "sit on", "straddle", "hold")


def drive(group: Group, person: Person, object: SceneObject, least: float, most: float, outwards: float = 0.25) -> None:
    """Sit astride with hands on the handles and feet on the pedals."""
    lean_to(person, object, object.model.spots["saddle"].moved(object.pose), least, most)
    take_handles(group, person, object)
    feet_on_pedals(group, person, object, outwards=outwards)
    look_ahead(group, person, object)


def bank(group: Group, most: float) -> None:
    """Tip everything sideways about the line where the wheels touch the ground, as in a curve."""
    group.move(transform(degrees(Y, float(group.rng.uniform(-most, most))), vec(0, 0, 0)))


@act("ride a bicycle", {"bicycle": MOUNTED}, ("street", "park"), weight=2.5)
def ride_bicycle(group: Group) -> None:
    person = group.person()
    bicycle = make_fitted(group, person, "bicycle")
    drive(group, person, bicycle, float(group.rng.uniform(8, 30)), 50)
    group.relate(person, "ride,sit on,straddle", bicycle, "saddle")
    group.relate(person, "hold", bicycle, "handle")
    bank(group, 8)


@act("stand astride a bicycle", {"bicycle": ("straddle", "hold")}, ("street", "park"), weight=0.8)
def straddle_bicycle(group: Group) -> None:
    rng = group.rng
    person = group.person()
    bicycle = make_fitted(group, person, "bicycle", most=1.0)
    body, h = person.body, person.rest.height

    def lean_over(lean: float) -> float:
        body.place_root(vec(0, -0.02 * h, hip_height(person) - 0.012 * h), degrees(X, 0.45 * lean))
        body.bend_spine(forward=0.55 * lean)
        return sum(arm_cost(person, side, bicycle.model.grips[name]) for side, name in handles(bicycle).items())

    least = float(rng.uniform(2, 12))
    lean_over(min((least + 4.0 * k for k in range(9)), key=lambda lean: lean_over(lean) + 0.04 * lean))
    for side in "LR":
        foot_down(group, person, side, vec(side_sign(side) * 0.11 * h, -0.02 * h, 0), vec(0, -1, 0))
    take_handles(group, person, bicycle)
    look_ahead(group, person, bicycle)
    group.relate(person, "straddle,hold", bicycle, "handle")


@act("ride a motorcycle", {"motorcycle": MOUNTED}, ("street",), weight=2.0)
def ride_motorcycle(group: Group) -> None:
    person = group.person(adult=True)
    motorcycle = make_fitted(group, person, "motorcycle", least=0.88)
    drive(group, person, motorcycle, float(group.rng.uniform(4, 20)), 44, outwards=0.6)
    group.relate(person, "ride,sit on,straddle", motorcycle, "saddle")
    group.relate(person, "hold", motorcycle, "handle")
    bank(group, 14)


@act("sit on a parked motorcycle", {"motorcycle": ("sit on", "straddle", "hold")}, ("street",))
def sit_on_parked_motorcycle(group: Group) -> None:
    rng = group.rng
    person = group.person(adult=True)
    motorcycle = make_fitted(group, person, "motorcycle", least=0.88, share=0.88)
    saddle = motorcycle.model.spots["saddle"]
    gripping = rng.random() < 0.6
    if gripping:
        lean_to(person, motorcycle, saddle, float(rng.uniform(0, 10)), 40)
    else:
        astride(person, saddle, float(rng.uniform(-4, 8)))
    for side in "LR":
        foot = vec(side_sign(side) * float(rng.uniform(0.25, 0.3)), 0.06 + float(rng.uniform(-0.06, 0.06)), 0)
        foot_down(group, person, side, foot, vec(0, -1, 0))
    look_ahead(group, person, motorcycle)
    group.relate(person, "sit on,straddle", motorcycle, "saddle")
    if gripping:
        take_handles(group, person, motorcycle)
        group.relate(person, "hold", motorcycle, "handle")
    else:
        hands_on_lap(group, person)


@act("ride a motorcycle together", {"motorcycle": MOUNTED}, ("street",), weight=0.8)
def ride_together(group: Group) -> None:
    driver, passenger = group.person(adult=True), group.person(adult=True)
    motorcycle = make_fitted(group, driver, "motorcycle", least=0.88)
    drive(group, driver, motorcycle, float(group.rng.uniform(6, 20)), 44, outwards=0.6)
    group.relate(driver, "ride,sit on,straddle", motorcycle, "saddle")
    group.relate(driver, "hold", motorcycle, "handle")
    pillion = motorcycle.model.spots["pillion"]
    astride(passenger, pillion, float(group.rng.uniform(2, 10)))
    pegs = motorcycle.model.spots["left pedal"].position
    for side in "LR":
        peg = Spot(pegs * vec(side_sign(side), 1, 1) + vec(0, 0.26, 0.02), pillion.normal, pillion.ahead, (0.1, 0.03))
        group.miss("foot on motorcycle", tread(passenger, side, peg, 0.7))
        waist, out = flank(driver, side)
        hand_on(group, passenger, side, waist, out)
    look_ahead(group, passenger, motorcycle)
    group.relate(passenger, "ride,sit on,straddle", motorcycle, "pillion")
    bank(group, 8)


@act("push a bicycle", {"bicycle": ("push", "walk", "hold")}, ("street", "park"), weight=1.2)
def push_bicycle(group: Group) -> None:
    rng = group.rng
    person = group.person()
    bicycle = make_fitted(group, person, "bicycle")
    side, h = free_side(group)[0], person.rest.height
    beside, s = other(side), side_sign(side)  # `side` is the hand next to the bicycle
    stride(group, person, length=float(rng.uniform(0.2, 0.34)), lean=float(rng.uniform(3, 10)))
    near = handles(bicycle)[beside]
    free = replace(bicycle.model.grips[near], normal=None, flip=True)
    along = (-0.06, -0.03, 0.0, 0.03, -0.09, -0.12)
    places = [upright(vec(s * x * h, y * h, 0)) for x in (0.25, 0.22, 0.2, 0.18) for y in along]
    saddle = bicycle.model.spots["saddle"]
    top = Grip(saddle.position + 0.02 * saddle.ahead, saddle.ahead, -saddle.normal, 0.0, "palm")
    hands = {beside: free, side: top}  # one hand on the bar, the other on the saddle
    bicycle.pose = easiest(person, bicycle, places, hands)
    awkward = max(arm_cost(person, hand, grip.moved(bicycle.pose)) for hand, grip in hands.items()) > 4.0
    if awkward or rng.random() < 0.5:  # the hand next to the bicycle steers alone
        hands = {side: free}
        bicycle.pose = easiest(person, bicycle, places, hands)
        relax(group, person, beside, swing=15)
    for hand, grip in hands.items():
        group.miss("hand on bicycle", float(np.linalg.norm(reach(person, hand, grip.moved(bicycle.pose))[1])))
    group.relate(person, "push,walk,hold", bicycle, "handle")
