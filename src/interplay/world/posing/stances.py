"""What the trunk and the legs do: standing, walking, running, jumping, sitting, lying, crouching."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, X, Y, Z, apply, degrees, frame, rotation, transform, unit, vec
from interplay.body.pose import Body
from interplay.world.objects.base import Spot
from interplay.world.scene import Person

from .group import Group
from .limbs import solve_arm, solve_leg

SOLE = 0.006
"""Thickness of a shoe's sole, as the wardrobe lifts it."""


def side_sign(side: str) -> float:
    """1 for the left, -1 for the right."""
    return 1.0 if side == "L" else -1.0


def other(side: str) -> str:
    """The opposite side."""
    return "R" if side == "L" else "L"


def ankle_height(person: Person) -> float:
    """Height of the ankle joint of a foot that stands flat."""
    sole = 0.0 if person.outfit.bare_feet else SOLE
    return float(person.rest.joints[person.body.bone("foot.L")][2]) + sole


def hip_height(person: Person) -> float:
    """Height of the pelvis when the legs are straight."""
    return float(person.rest.joints[0][2])


def plant(person: Person, side: str, position: Array, heading: float = 0.0, pitch: float = 0.0) -> float:
    """Put a foot flat at `position` (x, y of the ankle; z of the floor). Returns the metres it falls short.

    Args:
        person: whose pelvis is placed.
        side: ``"L"`` or ``"R"``.
        position: (3,).
        heading: degrees by which the foot turns outwards.
        pitch: degrees by which the heel is lifted, the toes staying down.
    """
    body = person.body
    pelvis = body.orientation("root")
    facing = pelvis @ -Y
    facing = unit(vec(facing[0], facing[1], 0.0))
    turn = rotation(Z, np.radians(side_sign(side) * heading))
    ahead = turn @ facing
    level = frame(-ahead, Z) @ frame(Y, Z).T
    ankle = position + vec(0, 0, ankle_height(person))
    foot = level
    if pitch:
        toes = 0.095 * person.rest.height
        pivot = position + toes * ahead
        foot = degrees(level @ X, pitch) @ level
        ankle = pivot + degrees(level @ X, pitch) @ (ankle - pivot)
    return solve_leg(
        body, side, ankle, knee=ahead + 0.1 * side_sign(side) * vec(-facing[1], facing[0], 0), foot=foot
    ).reach_error


def stand(group: Group, person: Person, width: float | None = None, lean: float = 0.0, turn: float = 0.0) -> None:
    """Stand at the origin, feet `width` body heights apart, leaning forward by `lean` degrees."""
    rng, body, h = group.rng, person.body, person.rest.height
    width = float(rng.uniform(0.07, 0.13)) if width is None else width
    step = float(rng.uniform(-0.04, 0.04))
    shift = float(rng.uniform(-0.012, 0.012))
    bent = 0.006 + 0.6 * width**2 + 0.004 * abs(step)
    body.place_root(vec(shift * h, 0.0, hip_height(person) + SOLE - bent * h), degrees(Z, turn))
    body.bend_spine(forward=lean + float(rng.uniform(-2, 4)), left=-150 * shift, twist=float(rng.uniform(-6, 6)))
    for side in "LR":
        s = side_sign(side)
        foot = vec(s * width / 2 * h, s * step * h - 0.008 * h, 0.0)
        group.miss(
            "foot on ground",
            plant(person, side, rotation(Z, np.radians(turn)) @ foot, heading=float(rng.uniform(4, 16))),
        )
    glance(group, person)


def stride(group: Group, person: Person, length: float = 0.36, lean: float = 3.0, lift: float = 0.0) -> str:
    """Walk (or, with a `lift`, run) along -y. Returns the side of the foot that is in front."""
    rng, body, h = group.rng, person.body, person.rest.height
    front = "L" if rng.random() < 0.5 else "R"
    s = side_sign(front)
    drop = 0.012 + 0.32 * (length / 2) ** 2
    body.place_root(vec(0, 0, hip_height(person) - drop * h + lift * h), degrees(Z, -s * 6.0) @ degrees(X, 0.4 * lean))
    body.bend_spine(forward=lean, twist=s * 12.0)
    ahead, behind = vec(s * 0.05 * h, -length / 2 * h, 0.0), vec(-s * 0.05 * h, length / 2 * h, 0.0)
    if lift > 0:  # running: the front knee is high, the rear foot pushes off
        body_z = body.root[2]
        solve_leg(body, front, vec(ahead[0], -0.17 * h, body_z - 0.33 * h), knee=vec(0, -1, 0.2), foot=degrees(X, -8))
        solve_leg(
            body, other(front), vec(behind[0], 0.24 * h, body_z - 0.37 * h), knee=vec(0, -1, -0.2), foot=degrees(X, 55)
        )
    else:
        group.miss("foot on ground", plant(person, front, ahead, heading=6))
        group.miss("foot on ground", plant(person, other(front), behind, heading=8, pitch=38 * min(1.0, length / 0.4)))
    glance(group, person)
    return front


def crouch(group: Group, person: Person, depth: float = 0.5, lean: float = 35.0, width: float = 0.16) -> None:
    """Bend the knees: `depth` 0 is standing, 1 is sitting on the heels."""
    body, h = person.body, person.rest.height
    z = hip_height(person) + SOLE - depth * 0.3 * h - 0.02 * h
    body.place_root(vec(0, 0.09 * depth * h, z), degrees(X, 0.45 * lean))
    body.bend_spine(forward=0.55 * lean)
    for side in "LR":
        group.miss(
            "foot on ground", plant(person, side, vec(side_sign(side) * width / 2 * h, -0.01 * h, 0), heading=12)
        )
    glance(group, person)


def leap(group: Group, person: Person, height: float = 0.15) -> None:
    """In the air, knees drawn up, feet `height` body heights off the ground."""
    rng, body, h = group.rng, person.body, person.rest.height
    tuck = float(rng.uniform(0.05, 0.13))
    body.place_root(vec(0, 0, hip_height(person) + (height - tuck) * h), degrees(X, float(rng.uniform(0, 12))))
    body.bend_spine(forward=float(rng.uniform(0, 15)), twist=float(rng.uniform(-12, 12)))
    for side in "LR":
        s = side_sign(side)
        back = float(rng.uniform(0.0, 0.16))
        ankle = vec(s * 0.07 * h, back * h, height * h + ankle_height(person))
        solve_leg(body, side, ankle, knee=vec(s * 0.35, -1, 0), foot=degrees(X, 20 + 150 * back))
    glance(group, person)


def sit(
    group: Group,
    person: Person,
    seat: Spot,
    floor: float = 0.0,
    recline: float = 4.0,
    knees_apart: float = 0.12,
    feet_ahead: float = 0.0,
    slide: float = 0.0,
) -> None:
    """Sit down on a seat, feet on the floor where the legs reach it.

    Args:
        group: whose randomness is used.
        person: who sits.
        seat: in the world; the person looks along `seat.ahead`.
        floor: height on which the feet rest.
        recline: degrees that the trunk leans back.
        knees_apart: between the knees, in body heights.
        feet_ahead: how far the feet are in front of the knees, in body heights.
        slide: metres towards the seat's front edge.
    """
    body, h = person.body, person.rest.height
    across = np.cross(seat.ahead, seat.normal)
    turn = frame(-seat.ahead, seat.normal)[:, [2, 0, 1]]
    turn = np.stack([-across, -seat.ahead, seat.normal], 1)
    lowered = seat_depth(person)
    back = 0.5 * seat.size[1] - 0.085 * h
    hips = seat.position + seat.normal * lowered - seat.ahead * (max(back, 0.0) * 0.55 - slide)
    body.place_root(hips, turn @ degrees(X, -recline))
    body.bend_spine(forward=float(group.rng.uniform(2, 10)) - 0.3 * recline)
    thigh = float(np.linalg.norm(body.rest_vector("upperleg01.L", "lowerleg01.L")))
    for side in "LR":
        s = side_sign(side)
        hip = body.joint(f"upperleg01.{side}")
        knee = hip + seat.ahead * thigh * 0.97 - across * s * (knees_apart / 2 - 0.05) * h
        foot = vec(knee[0], knee[1], floor) + seat.ahead * (feet_ahead - 0.02) * h
        ankle = foot + vec(0, 0, ankle_height(person))
        shin = float(np.linalg.norm(body.rest_vector("lowerleg01.L", "foot.L")))
        hangs = knee[2] - 0.93 * shin
        if ankle[2] < hangs - 0.06 * h:  # too high a seat: the feet hang
            ankle = vec(ankle[0], ankle[1], hangs) - seat.ahead * 0.03 * h
        solve_leg(body, side, ankle, knee=seat.ahead + 0.9 * Z - 0.25 * s * across, foot=turn)
    glance(group, person)


def seat_depth(person: Person) -> float:
    """Height of the pelvis joint above a hard seat, metres."""
    return 0.068 * person.rest.height


def glance(group: Group, person: Person) -> None:
    """Look somewhere ahead."""
    rng = group.rng
    person.body.turn_head(nod=float(rng.normal(4, 7)), turn=float(rng.normal(0, 18)), tilt=float(rng.normal(0, 4)))


def arm_down(group: Group, person: Person, side: str, swing: float = 0.0) -> None:
    """Let an arm hang; `swing` (degrees) brings it forward, as in walking."""
    rng, body, s = group.rng, person.body, side_sign(side)
    length = _arm_length(body, side)
    chest = body.orientation("spine01")
    spread = np.radians(float(rng.uniform(7, 14)))
    forward = np.radians(swing + float(rng.uniform(-6, 10)))
    direction = unit(vec(s * np.sin(spread), -np.sin(forward), -np.cos(forward)))
    down = unit(0.75 * rotation_to_upright(chest) @ direction + 0.25 * chest @ direction)
    shoulder = body.joint(f"upperarm01.{side}")
    bend = float(rng.uniform(0.955, 0.985)) - 0.0022 * abs(swing)
    solve_arm(body, side, shoulder + bend * length * down, elbow_hint=chest @ vec(s * 0.4, 1.0, 0))


def rotation_to_upright(turn: Array) -> Array:
    """The heading of a rotation (3, 3), without its tilt."""
    ahead = turn @ -Y
    ahead = unit(vec(ahead[0], ahead[1], 1e-9))
    return np.stack([np.cross(-ahead, Z), -ahead, Z], 1)


def _arm_length(body: Body, side: str) -> float:
    return float(
        np.linalg.norm(body.rest_vector(f"upperarm01.{side}", f"lowerarm01.{side}"))
        + np.linalg.norm(body.rest_vector(f"lowerarm01.{side}", f"wrist.{side}"))
    )


def tilt_about(person: Person, pivot: Array, turn: Array) -> None:
    """Turn a whole person by (3, 3) about a point."""
    body = person.body
    matrix = transform(turn, pivot - turn @ pivot)
    body.place_root(apply(matrix, body.root), turn @ body.local[0])
