"""Sitting down on a real seat, and what hands do that have nothing to hold meanwhile."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np

from interplay.body.geometry import X, Z, vec
from interplay.body.model import PARTS
from interplay.world.objects.base import Grip, Spot
from interplay.world.scene import Person, SceneObject

from .group import Group
from .handling import hand_on, heading, reach
from .hands import close_hand
from .limbs import solve_arm
from .skin import lap
from .stances import side_sign, sit

_SEATED = [PARTS.index(p) for p in ("hips", "left thigh", "right thigh")]
_PRESSED = 0.005
"""How far flesh sinks into a seat, metres."""
_HANGING = [PARTS.index(f"{side} {part}") for side in ("left", "right") for part in ("shin", "foot")]


def take_seat(
    group: Group, person: Person, object: SceneObject, seat: str = "seat", slide: float = 0.0, **how: Any
) -> None:
    """Sit on an object's seat and say so: the flesh on the surface and the shins in front of it.

    Args:
        group: the person's and the object's.
        person: who sits.
        object: in the world.
        seat: name of one of its spots.
        slide: least metres towards the front edge.
        how: passed to `stances.sit`.
    """
    spot = object.model.spots[seat].moved(object.pose)
    front = seat_front(object, spot)
    state = group.rng.bit_generator.state

    def settle(drop: float) -> float:
        """Sit that much lower; returns how high the flesh then is over where it should be."""
        group.rng.bit_generator.state = state  # the same glance and bend every time
        sit(group, person, replace(spot, position=spot.position - drop * spot.normal), slide=slide, **how)
        return _lowest_flesh(person, spot, front) + _PRESSED

    settle(0.0)
    slide += max(0.0, front - _rearmost_calf(person, spot))
    drop, height = 0.0, settle(0.0)
    best = (abs(height), drop)
    for step in (1.0, 0.7, 0.5, 0.5, 0.5):  # feet that leave the floor change the thighs' slope: no straight way
        if best[0] < 0.003:
            break
        drop += step * height
        height = settle(drop)
        best = min(best, (abs(height), drop))
    height = settle(best[1])
    group.miss(f"seat of {object.category}", abs(height))
    group.relate(person, "sit on", object, seat)


def seat_front(object: SceneObject, spot: Spot) -> float:
    """How far an object's front is ahead of the middle of one of its seats, metres."""
    vertices = object.vertices() - spot.position
    beside = np.abs(vertices @ np.cross(spot.ahead, spot.normal)) < 0.5 * spot.size[0]
    below = (vertices[:, 2] < 0.02) & (vertices[:, 2] > -0.5 * spot.position[2])
    ahead = (vertices @ spot.ahead)[beside & below]
    return float(ahead.max(initial=0.5 * spot.size[1]))


def _lowest_flesh(person: Person, spot: Spot, front: float) -> float:
    """Height of the buttocks' and thighs' lowest point over the seat."""
    flesh = person.vertices()[np.isin(person.body.model.part, _SEATED)] - spot.position
    above = flesh @ spot.ahead < front - 0.03
    return float((flesh @ spot.normal)[above].min(initial=0.1))


def _rearmost_calf(person: Person, spot: Spot) -> float:
    """How far the hindmost point of the lower legs is ahead of the middle of the seat."""
    calf = person.vertices()[np.isin(person.body.model.part, _HANGING)] - spot.position
    return float((calf @ spot.ahead)[calf @ spot.normal < -0.02].min(initial=1.0)) - 0.01


def seat_height(object: SceneObject, seat: str = "seat") -> float:
    """Height of a seat above the floor, metres."""
    return float(object.model.spots[seat].moved(object.pose).position[2])


def lounging(group: Group) -> dict[str, Any]:
    """How people sit on a couch: leaning back, the feet somewhere ahead."""
    rng = group.rng
    return {
        "recline": float(rng.uniform(8, 20)),
        "knees_apart": float(rng.uniform(0.08, 0.2)),
        "feet_ahead": float(rng.uniform(0.0, 0.12)),
    }


def upright_sitting(group: Group) -> dict[str, Any]:
    """How people sit on a chair."""
    rng = group.rng
    return {
        "recline": float(rng.uniform(2, 8)),
        "knees_apart": float(rng.uniform(0.06, 0.2)),
        "feet_ahead": float(rng.uniform(-0.01, 0.06)),
    }


def hands_on_lap(group: Group, person: Person, sides: str = "LR") -> None:
    """Lay hands flat on the thighs of someone who sits."""
    for side in sides:
        point, up = lap(person, side, float(group.rng.uniform(0.5, 0.78)))
        hand_on(group, person, side, point + 0.004 * up, up)


def hand_beside(group: Group, person: Person, side: str, height: float) -> None:
    """Prop a hand on the seat beside the hip; `height` is the seat's."""
    out = side_sign(side) * float(group.rng.uniform(0.135, 0.165))
    hip = person.body.joint("root") + person.rest.height * (heading(person) @ vec(out, -0.03, 0))
    hand_on(group, person, side, vec(hip[0], hip[1], height + 0.005), Z)


def hand_on_armrest(group: Group, person: Person, side: str, object: SceneObject, seat: str) -> None:
    """Lay a hand on the arm of a couch, beside one of its seats."""
    spot = object.model.spots[seat].moved(object.pose)
    out = np.cross(spot.normal, spot.ahead) * side_sign(side)
    ahead = float(group.rng.uniform(0.06, 0.16))
    point = spot.position + out * (0.5 * spot.size[0] + 0.09) + spot.ahead * ahead
    vertices = object.vertices()
    close = np.linalg.norm((vertices - point)[:, :2], axis=1) < 0.07
    hand_on(group, person, side, vec(point[0], point[1], float(vertices[close, 2].max(initial=point[2])) + 0.008), Z)


def gesture(group: Group, person: Person, side: str) -> None:
    """Raise a forearm with an open hand, as in talking."""
    body, rng, h = person.body, group.rng, person.rest.height
    out = side_sign(side) * float(rng.uniform(0.02, 0.1))
    ahead = vec(out, -float(rng.uniform(0.14, 0.2)), -float(rng.uniform(0.06, 0.14)))
    solve_arm(body, side, body.joint(f"upperarm01.{side}") + h * (heading(person) @ ahead))
    close_hand(body, side, "relaxed")


def hands_on_table(group: Group, person: Person, sides: str, height: float) -> None:
    """Lay hands on a table in front of someone who sits; `height` is the top's."""
    body, h = person.body, person.rest.height
    for side in sides:
        inwards = -side_sign(side) * float(group.rng.uniform(0.0, 0.06))
        ahead = heading(person) @ vec(inwards, -float(group.rng.uniform(0.19, 0.23)), 0.0)
        goal = body.joint(f"upperarm01.{side}") + h * ahead
        grip = Grip(vec(goal[0], goal[1], height + 0.006), X, -Z, 0.0, "palm")
        reach(person, side, grip, elbow_hint=heading(person) @ vec(1.2 * side_sign(side), 0.5, 0.4))


def idle_hands(group: Group, person: Person, height: float, sides: str = "LR") -> None:
    """Give the hands of someone who sits on something of that height a place to be."""
    for side in sides:
        draw = group.rng.random()
        if draw < 0.65:
            hands_on_lap(group, person, side)
        elif draw < 0.85:
            hand_beside(group, person, side, height)
        else:
            gesture(group, person, side)
