"""Standing on boards: feet apart on the deck, knees bent, arms out for balance."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import (
    Array,
    X,
    Z,
    degrees,
    rotation,
    transform,
    vec,
)
from interplay.world.objects.base import Spot
from interplay.world.scene import Person, SceneObject

from .group import Group
from .hands import close_hand
from .limbs import solve_arm, solve_leg
from .stances import SOLE, ankle_height, glance, hip_height, side_sign

ALONG = degrees(Z, 90)
"""A board's rotation under someone who faces -y: its nose (-y) points to their left."""


def ride_deck(
    group: Group,
    person: Person,
    board: SceneObject,
    deck: Spot,
    depth: float,
    spread: float = 0.2,
    lean: float = 18.0,
    front: str = "L",
) -> None:
    """Stand across a board, looking along it.

    Args:
        group: whose randomness is used.
        person: who stands.
        board: in the world, level, long along x.
        deck: where one stands, in the world; the person faces its `ahead`.
        depth: how far the knees are bent, 0 to 1.
        spread: between the feet, in body heights.
        lean: degrees that the trunk leans over the toes.
        front: the foot towards the board's nose, ``"L"`` or ``"R"``.
    """
    rng, body, h = group.rng, person.body, person.rest.height
    facing = np.stack([np.cross(deck.normal, deck.ahead), -deck.ahead, deck.normal], 1)
    nose = side_sign(front)
    drop = (0.02 + 0.28 * depth + 0.6 * (spread / 2) ** 2) * h
    hips = deck.position + facing @ vec(0.02 * nose * h, (0.02 + 0.1 * depth) * h, hip_height(person) + SOLE - drop)
    twist = nose * float(rng.uniform(5, 20))
    body.place_root(hips, facing @ degrees(Z, 0.5 * twist) @ degrees(X, (0.45 + 0.4 * depth) * lean))
    body.bend_spine(forward=0.55 * lean, twist=twist)
    for side in "LR":
        s = side_sign(side)
        foot = deck.position + facing @ vec(s * spread / 2 * h, 0.035 * h, ankle_height(person))
        turned = degrees(Z, s * (18 if side == front else 6)) if spread > 0 else np.eye(3)
        knee = facing @ turned @ vec(0.25 * s, -1, 0)
        error = solve_leg(body, side, foot, knee=knee, foot=facing @ turned).reach_error
        group.miss(f"foot on {board.category}", error)
    glance(group, person)
    body.look_at(body.joint("head") + facing @ vec(nose * 4.0, -1.2, -0.6), share=float(rng.uniform(0.7, 1.0)))


def spread_arms(group: Group, person: Person, sides: str = "LR", most: float = 0.1) -> None:
    """Hold arms out to the sides for balance; `most` is how far above the shoulders a hand may be, in body heights."""
    rng, body, h = group.rng, person.body, person.rest.height
    chest = body.orientation("spine01")
    for side in sides:
        s = side_sign(side)
        out = vec(s * float(rng.uniform(0.17, 0.27)), -float(rng.uniform(0.02, 0.14)), float(rng.uniform(-0.13, most)))
        upright = rotation(Z, np.arctan2(chest[1, 0], chest[0, 0]))
        solve_arm(body, side, body.joint(f"upperarm01.{side}") + h * (upright @ out))
        close_hand(body, side, "relaxed")


def tip(group: Group, about: Array, angle: float, axis: Array = X, rest_on: SceneObject | None = None) -> None:
    """Turn everything by `angle` degrees about an axis through a point, then let `rest_on` touch the ground again."""
    turn = degrees(axis, angle)
    group.move(transform(turn, about - turn @ about))
    if rest_on is not None:
        group.move(transform(None, vec(0, 0, -float(rest_on.vertices()[:, 2].min()))))


def prone(group: Group, person: Person, spot: Spot, chest_up: float = 20.0) -> None:
    """Lie on the belly, the head towards `spot.ahead`, the chest raised by `chest_up` degrees."""
    body, h = person.body, person.rest.height
    turn = np.stack([np.cross(spot.normal, spot.ahead), spot.normal, spot.ahead], 1)
    hips = spot.position + spot.normal * 0.075 * h
    body.place_root(hips, turn)
    body.bend_spine(forward=-chest_up)
    for side in "LR":
        s = side_sign(side)
        ankle = hips + turn @ vec(s * 0.045 * h, 0.0, -0.48 * h) - spot.normal * 0.03 * h
        solve_leg(body, side, ankle, knee=turn @ vec(s * 0.2, -1, 0), foot=turn @ degrees(X, 62))
    body.turn_head(nod=-min(45.0, 1.3 * chest_up + 8), turn=float(group.rng.normal(0, 8)))
