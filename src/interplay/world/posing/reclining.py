"""Lying down: the flesh on a surface, legs straight or drawn up, arms where they find room."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, X, Y, degrees, unit, vec
from interplay.body.model import PARTS
from interplay.world.objects.base import Spot
from interplay.world.scene import Person

from .group import Group
from .handling import hand_on
from .hands import close_hand
from .limbs import solve_arm, solve_leg
from .skin import skin_point
from .stances import ankle_height, hip_height, side_sign

_TRUNK = ("hips", "belly", "chest", "left shoulder", "right shoulder")
_CROWN_GAP = 0.12
"""Metres between the crown and the end of a place to lie, where a pillow or a couch's arm begins."""


def lie_on_back(group: Group, person: Person, spot: Spot, arms_beside: bool = True) -> None:
    """Lie on the back, the head towards `spot.ahead`.

    Args:
        group: whose randomness is used.
        person: who lies down.
        spot: in the world; legs are drawn up where it is too short for them.
        arms_beside: whether there is room for arms beside the trunk; else the hands rest on the belly.
    """
    rng, body, h = group.rng, person.body, person.rest.height
    flat = np.stack([np.cross(spot.ahead, spot.normal), -spot.normal, spot.ahead], 1)
    body.place_root(_hips(person, spot) + 0.065 * h * spot.normal, flat)
    body.bend_spine(forward=float(rng.uniform(-1, 3)))
    body.turn_head(nod=float(rng.uniform(10, 22)), turn=float(rng.uniform(-25, 25)))
    _press_on(person, spot, _TRUNK)
    room = _leg_room(person, spot)
    straight = room > hip_height(person)
    for side in "LR":
        if straight and rng.random() < 0.75:
            spread = side_sign(side) * float(rng.uniform(0.045, 0.075))
            ankle = body.root + h * (flat @ vec(spread, 0.0, -0.48))
            foot = flat @ degrees(X, float(rng.uniform(15, 35)))
            _lay_leg(person, side, spot, ankle, flat @ vec(0.15 * side_sign(side), -1, 0), foot)
        else:
            sole = np.stack([flat[:, 0], spot.ahead, spot.normal], 1)
            reach = min(room - 0.13 * h, float(rng.uniform(0.2, 0.32)) * h)
            ankle = body.root + flat @ vec(side_sign(side) * 0.06 * h, 0, -max(reach, 0.14 * h))
            ankle = ankle + (ankle_height(person) - (ankle - spot.position) @ spot.normal) * spot.normal
            solve_leg(body, side, ankle, knee=spot.normal, foot=sole)
        if arms_beside and rng.random() < 0.6:
            _arm_beside(group, person, side, spot)
        else:
            _hand_on_belly(group, person, side)


def lie_on_side(group: Group, person: Person, spot: Spot, on_left: bool = True) -> None:
    """Lie on one side with bent knees, the hands before the face; on the left side one looks along ahead x normal."""
    rng, body, h = group.rng, person.body, person.rest.height
    flat = np.stack([np.cross(spot.ahead, spot.normal), -spot.normal, spot.ahead], 1)
    sign = 1.0 if on_left else -1.0
    turn = degrees(spot.ahead, sign * float(rng.uniform(82, 90))) @ flat
    body.place_root(_hips(person, spot) + 0.1 * h * spot.normal + 0.03 * h * turn[:, 1], turn)
    body.bend_spine(forward=float(rng.uniform(5, 25)))
    body.turn_head(nod=float(rng.uniform(5, 18)), tilt=sign * -6.0)
    _press_on(person, spot, _TRUNK)
    lower, upper = ("L", "R") if on_left else ("R", "L")
    bent = float(rng.uniform(0.06, 0.14))
    if _leg_room(person, spot) < hip_height(person):
        bent = 0.2
    for side, height in ((lower, 0.03), (upper, 0.095)):
        ahead = bent + (0.03 if side == upper else 0.0)
        ankle = body.root + h * (turn @ vec(0, -0.55 * ahead, -(0.49 - 1.1 * ahead)))
        ankle = ankle + (height * h - (ankle - spot.position) @ spot.normal) * spot.normal
        foot = turn @ degrees(X, float(rng.uniform(15, 30)))
        _lay_leg(person, side, spot, ankle, turn @ -Y, foot, height * h - 0.03 * h)
    chest = body.orientation("spine01")
    for side, height, up in ((lower, 0.035, 0.06), (upper, 0.055, 0.0)):
        goal = body.joint("spine01") + h * (chest @ vec(0, -float(rng.uniform(0.16, 0.2)), up))
        goal = goal + (height * h - (goal - spot.position) @ spot.normal) * spot.normal
        _lay_arm(person, side, spot, goal, chest @ vec(0, -0.7, -1))


def _hips(person: Person, spot: Spot) -> Array:
    """(3,) where the pelvis lies on the surface when the crown is near the spot's far end."""
    trunk = person.rest.height - hip_height(person)
    return spot.position + spot.ahead * (0.5 * spot.size[1] - _CROWN_GAP - trunk)


def _leg_room(person: Person, spot: Spot) -> float:
    """Metres from the pelvis to the spot's near end."""
    return spot.size[1] - 2 * _CROWN_GAP - (person.rest.height - hip_height(person))


def _height(person: Person, spot: Spot, parts: tuple[str, ...], share: float = 1.0) -> float:
    """How high the lowest flesh of some parts (but for `share` per cent of it) is over the surface."""
    flesh = np.isin(person.body.model.part, [PARTS.index(p) for p in parts])
    return float(np.percentile((person.vertices()[flesh] - spot.position) @ spot.normal, share))


def _press_on(person: Person, spot: Spot, parts: tuple[str, ...]) -> None:
    """Lift or lower someone so that some parts just press on a surface."""
    person.body.shift(-(_height(person, spot, parts, 0.3) + 0.006) * spot.normal)
    person.body.update()


def _lay_leg(
    person: Person, side: str, spot: Spot, ankle: Array, knee: Array, foot: Array, clearance: float = 0.0
) -> None:
    """Bring an ankle about where it is wanted, so that shin and foot lie on the surface or `clearance` above it."""
    name = "left" if side == "L" else "right"
    for _ in range(3):
        solve_leg(person.body, side, ankle, knee=knee, foot=foot)
        ankle = ankle + (clearance - _height(person, spot, (f"{name} shin", f"{name} foot"))) * spot.normal


def _lay_arm(person: Person, side: str, spot: Spot, wrist: Array, elbow: Array) -> None:
    """Bring a wrist about where it is wanted, so that the hand does not sink into the surface."""
    name = "left hand" if side == "L" else "right hand"
    for _ in range(3):
        solve_arm(person.body, side, wrist, elbow_hint=elbow)
        close_hand(person.body, side, "relaxed")
        sunk = min(0.0, _height(person, spot, (name,)) - 0.002)
        wrist = wrist - sunk * spot.normal


def _arm_beside(group: Group, person: Person, side: str, spot: Spot) -> None:
    body, h, s = person.body, person.rest.height, side_sign(side)
    chest = body.orientation("spine01")
    aside = unit(vec(s * float(group.rng.uniform(0.1, 0.2)), 0.0, -0.28))
    goal = body.joint(f"upperarm01.{side}") + 0.29 * h * (chest @ aside)
    goal = goal + (0.025 * h - (goal - spot.position) @ spot.normal) * spot.normal
    _lay_arm(person, side, spot, goal, chest @ vec(s, 0.1, 0.0))


def _hand_on_belly(group: Group, person: Person, side: str) -> None:
    body, rng = person.body, group.rng
    chest = body.orientation("spine01")
    up = float(rng.uniform(-0.01, 0.02)) + (0.035 if side == "L" else -0.035)
    base = body.joint("spine03") + person.rest.height * (chest @ vec(side_sign(side) * 0.025, 0, up))
    out = chest @ -Y
    hand_on(group, person, side, skin_point(person, base, out, 0.03, ("belly", "chest", "hips")) + 0.003 * out, out)
