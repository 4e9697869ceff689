"""Sitting astride: the pelvis on a saddle, the feet on pedals, pegs or stirrups, the trunk leaning to the handles."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, X, Y, Z, degrees, frame, unit, vec
from interplay.world.objects.base import Spot
from interplay.world.scene import Person, SceneObject

from .group import Group
from .handling import grasp
from .hands import hand_goals
from .limbs import solve_arm, solve_leg
from .skin import skin_point
from .stances import ankle_height, glance, side_sign

SADDLE_DEPTHS = ((0.15, 0.26), (0.058, 0.071))
"""Widths of saddles (metres), and heights of the pelvis joint above them (body heights): on a narrow one it is lower,
for the thighs part."""


def astride(person: Person, saddle: Spot, lean: float, back: float = 0.0) -> None:
    """Put the pelvis on a saddle given in the world, `back` metres behind its middle, the trunk leaning forward."""
    h = person.rest.height
    turn = np.stack([np.cross(saddle.normal, saddle.ahead), -saddle.ahead, saddle.normal], 1)
    above = float(np.interp(saddle.size[0], *SADDLE_DEPTHS)) * h
    hips = saddle.position + saddle.normal * above - saddle.ahead * back
    person.body.place_root(hips, turn @ degrees(X, 0.45 * lean))
    person.body.bend_spine(forward=0.55 * lean)


def lean_to(person: Person, object: SceneObject, saddle: Spot, least: float, most: float, back: float = 0.0) -> float:
    """Sit astride and lean just so far that both hands reach the handles with bent elbows. Returns the degrees."""
    grips = {side: object.model.grips[name].moved(object.pose) for side, name in handles(object).items()}
    best, lowest_cost = least, np.inf
    for lean in np.arange(least, most + 1e-6, 4.0):
        astride(person, saddle, float(lean), back)
        cost = 0.02 * abs(lean - least)
        for side, grip in grips.items():
            solved = solve_arm(person.body, side, *hand_goals(person.body, side, grip), apply=False)
            cost += solved.cost + 400 * solved.reach_error
        if cost < lowest_cost:
            best, lowest_cost = float(lean), cost
    astride(person, saddle, best, back)
    return best


def handles(object: SceneObject) -> dict[str, str]:
    """Names of the grips for the left and the right hand of whoever drives."""
    kind = "rein" if "left rein" in object.model.grips else "handle"
    return {"L": f"left {kind}", "R": f"right {kind}"}


def take_handles(group: Group, person: Person, object: SceneObject, sides: str = "LR") -> None:
    """Take hold of handlebars or reins, elbows down and outwards."""
    for side in sides:
        grasp(group, person, side, object, handles(object)[side])


def feet_on_pedals(
    group: Group, person: Person, object: SceneObject, sides: str = "LR", outwards: float = 0.25
) -> None:
    """Put the balls of the feet on pedals, pegs or stirrups, lowering the toes where a leg is short."""
    for side in sides:
        pedal = object.model.spots[f"{'left' if side == 'L' else 'right'} pedal"].moved(object.pose)
        group.miss(f"foot on {object.category}", tread(person, side, pedal, outwards))


def tread(person: Person, side: str, pedal: Spot, outwards: float = 0.25) -> float:
    """Put the ball of one foot on a pedal given in the world; returns the metres it falls short.

    `outwards` turns the knee away from what is between the legs.
    """
    body, h = person.body, person.rest.height
    ball = -0.078 * h * pedal.ahead + ankle_height(person) * pedal.normal
    level = frame(-pedal.ahead, pedal.normal) @ frame(Y, Z).T
    knee = pedal.ahead + 0.35 * Z + outwards * side_sign(side) * np.cross(pedal.normal, pedal.ahead)
    error = 0.0
    for pitch in range(0, 46, 5):
        turn = degrees(level @ X, pitch)
        error = solve_leg(body, side, pedal.position + turn @ ball, knee=knee, foot=turn @ level).reach_error
        if error == 0.0:
            break
    return error


def foot_down(group: Group, person: Person, side: str, point: Array, ahead: Array) -> None:
    """Put a foot on the ground beside what one sits on, on tiptoe where the leg is short."""
    body, h = person.body, person.rest.height
    level = frame(-unit(ahead), Z) @ frame(Y, Z).T
    toes = 0.1 * h * ahead
    error = 0.0
    for pitch in range(0, 61, 6):
        turn = degrees(level @ X, pitch)
        knee = ahead + 0.6 * side_sign(side) * (level @ X)
        ankle = point + toes + turn @ (vec(0, 0, ankle_height(person)) - toes)
        error = solve_leg(body, side, ankle, knee=knee, foot=turn @ level).reach_error
        if error == 0.0:
            break
    group.miss("foot on ground", error)


def look_ahead(group: Group, person: Person, object: SceneObject) -> None:
    """Lift the head again that the lean has lowered, and look where the object goes."""
    rng = group.rng
    glance(group, person)
    side = float(rng.normal(0, 1.2))
    person.body.look_at(person.body.joint("head") + object.pose[:3, :3] @ vec(side, -5.0, -0.4), share=0.85)


def flank(person: Person, side: str) -> tuple[Array, Array]:
    """(3,) point on a side of the waist, where a passenger holds on, and (3,) direction out of it."""
    body = person.body
    turn = body.orientation("spine03")
    out = unit(turn @ vec(side_sign(side), 0.25, 0.0))
    return skin_point(person, body.joint("spine03"), out, 0.03, ("chest", "belly", "hips")), out
