"""Arms and legs: two-bone inverse kinematics with joint limits.

A limb's two long bones and the distance to its goal fix its bend; what is left free is the swivel of the elbow or
knee about the line from shoulder to wrist. For an arm every swivel is tried with every allowed way to hold the
goal, and the cheapest one by limits, penetration of the trunk, and comfort is taken.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from interplay.body.geometry import (
    Array,
    X,
    Y,
    Z,
    angle_between,
    closest_on_segments,
    cross,
    degrees,
    frame,
    rotation,
    rotation_angle,
    scaled_rotation,
    twist_angle,
    unit,
    vec,
)
from interplay.body.pose import FORWARD, Body

SWIVELS = np.arange(36) * (2 * np.pi / 36)

LIMITS = {
    "shoulder twist": 75.0,
    "forearm twist": 85.0,
    "wrist": 55.0,
    "elbow": 148.0,
    "knee": 150.0,
    "ankle": 50.0,
}
"""Largest comfortable angles from the rest pose, in degrees."""


@dataclass(frozen=True)
class Solved:
    """What came out of solving a limb.

    Attributes:
        reach_error: metres by which the goal was out of reach, 0 if it was reached.
        cost: penalty of the chosen configuration; above 1 a joint is beyond its limit or inside the trunk.
        choice: index of the goal candidate that was taken.
    """

    reach_error: float
    cost: float
    choice: int


def _bend(length: Array, upper: float, lower: float) -> Array:
    """Cosine of the angle at the shoulder for a goal at distance `length`."""
    return np.clip((length**2 + upper**2 - lower**2) / (2 * length * upper), -1.0, 1.0)


def solve_arm(
    body: Body,
    side: str,
    wrists: ArrayLike,
    hands: ArrayLike | None = None,
    *,
    elbow_hint: ArrayLike | None = None,
    apply: bool = True,
) -> Solved:
    """Bring a wrist to a goal.

    Args:
        body: posed up to the chest.
        side: ``"L"`` or ``"R"``.
        wrists: (3,) or (K, 3) allowed wrist positions in the world.
        hands: (3, 3) or (K, 3, 3) rotation of the hand against its rest pose for each; None leaves the hand in
            line with the forearm.
        elbow_hint: (3,) direction in the world in which the elbow should point; by default down and outwards.
        apply: whether to pose the body (otherwise only the figures are wanted).
    """
    goals = np.atleast_2d(np.asarray(wrists, np.float64))
    turned = None if hands is None else np.asarray(hands, np.float64).reshape(-1, 3, 3)
    sign = 1.0 if side == "L" else -1.0
    _raise_clavicle(body, side, goals.mean(0))
    shoulder = body.joint(f"upperarm01.{side}")
    chest = body.orientation("spine01")
    a0 = body.rest_vector(f"upperarm01.{side}", f"lowerarm01.{side}")
    b0 = body.rest_vector(f"lowerarm01.{side}", f"wrist.{side}")
    upper, lower = float(np.linalg.norm(a0)), float(np.linalg.norm(b0))
    hinge0 = unit(cross(a0, b0))

    # all goals x all swivels: (K, S, ...)
    to_goal = goals - shoulder
    distance = np.linalg.norm(to_goal, axis=1)
    folded = np.sqrt(upper**2 + lower**2 + 2 * upper * lower * np.cos(np.radians(LIMITS["elbow"])))
    length = np.clip(distance, folded, 0.998 * (upper + lower))
    line = unit(to_goal)
    outwards = sign * chest[:, 0]
    hint = unit(-chest[:, 2] + 0.45 * outwards + 0.15 * chest[:, 1]) if elbow_hint is None else unit(elbow_hint)
    across = frame(line, hint + 1e-4 * X)
    cosine = _bend(length, upper, lower)[:, None, None]
    sine = np.sqrt(1 - cosine**2)
    pole = np.cos(SWIVELS)[:, None] * across[:, None, :, 1] + np.sin(SWIVELS)[:, None] * across[:, None, :, 2]
    elbow = shoulder + upper * (cosine * line[:, None] + sine * pole)
    wrist = shoulder + (length[:, None] * line)[:, None] + 0 * elbow
    hinge = np.broadcast_to(-cross(line[:, None], pole), elbow.shape)
    upper_turn = frame(elbow - shoulder, hinge) @ frame(a0, hinge0).T
    lower_turn = frame(wrist - elbow, hinge) @ frame(b0, hinge0).T

    cost = 0.3 * (1 - np.cos(SWIVELS))[None] + 40 * np.abs(distance - length)[:, None]
    cost = cost + _shoulder_cost(chest.T @ upper_turn, a0, sign)
    cost = cost + _trunk_cost(body, elbow, wrist)
    if turned is not None:
        relative = np.swapaxes(lower_turn, -1, -2) @ turned[:, None]
        twist = twist_angle(relative, b0)
        swing = rotation_angle(rotation(b0, -twist) @ relative)
        cost = cost + _beyond(twist, LIMITS["forearm twist"]) + _beyond(swing, LIMITS["wrist"])
    goal, swivel = np.unravel_index(int(np.argmin(cost)), cost.shape)
    if apply:
        _pose_arm(
            body, side, upper_turn[goal, swivel], lower_turn[goal, swivel], None if turned is None else turned[goal]
        )
        for _ in range(3):  # the half-twisted upper arm is not quite straight: aim past the goal by the miss
            miss = wrist[goal, swivel] - body.joint(f"wrist.{side}")
            if np.linalg.norm(miss) < 1e-4:
                break
            _correct(body, side, miss)
    return Solved(float(max(0.0, distance[goal] - length[goal])), float(cost[goal, swivel]), int(goal))


def _beyond(angle: Array, limit: float) -> Array:
    """Penalty of angles (radians): small inside the limit (degrees), steep outside, 1 at 10 degrees over."""
    excess = np.degrees(np.abs(angle)) - limit
    return 0.15 * (np.degrees(np.abs(angle)) / limit) ** 2 + np.maximum(excess / 10, 0) ** 2


def _shoulder_cost(relative: Array, a0: Array, sign: float) -> Array:
    """Penalty of upper arm rotations (..., 3, 3) against the chest."""
    direction = relative @ unit(a0)
    behind = np.maximum(direction[..., 1] - 0.55, 0) * 6
    crossing = np.maximum(-sign * direction[..., 0] - 0.45, 0) * 6
    return behind**2 + crossing**2 + _beyond(twist_angle(relative, a0), LIMITS["shoulder twist"])


def trunk_capsules(body: Body) -> tuple[Array, Array, Array]:
    """Capsules around pelvis, belly, chest and head: starts (N, 3), ends (N, 3), radii (N,)."""
    r = body.rest.height * np.array([0.085, 0.078, 0.082, 0.055])
    chest = body.orientation("spine01")
    half = body.rest.height * 0.045
    starts = np.stack(
        [
            body.joint("root") - half * body.orientation("root")[:, 0],
            body.joint("spine04") - 0.6 * half * chest[:, 0],
            body.joint("spine01") - half * chest[:, 0],
            body.joint("head"),
        ]
    )
    ends = np.stack(
        [
            body.joint("root") + half * body.orientation("root")[:, 0],
            body.joint("spine02") + 0.6 * half * chest[:, 0],
            body.joint("spine01") + half * chest[:, 0],
            body.joint("head") + 0.07 * body.rest.height * body.orientation("head")[:, 2],
        ]
    )
    return starts, ends, r


def _trunk_cost(body: Body, elbow: Array, wrist: Array) -> Array:
    """Penalty of elbows and wrists (K, S, 3) for being inside the trunk, 1 at 3 cm."""
    starts, ends, radii = trunk_capsules(body)
    cost = np.zeros(elbow.shape[:-1])
    thickness = 0.022 * body.rest.height
    for point in (elbow, 0.5 * (elbow + wrist), 0.2 * elbow + 0.8 * wrist):
        distance = closest_on_segments(point[..., None, :], starts, ends)[0]
        depth = np.maximum(radii + thickness - distance, 0).max(-1)
        cost = cost + (depth / 0.03) ** 2
    return cost


def _raise_clavicle(body: Body, side: str, goal: Array) -> None:
    """Let the shoulder follow a raised or forward-stretched arm a little, as shoulders do."""
    sign = 1.0 if side == "L" else -1.0
    body.turn(f"clavicle.{side}", np.eye(3))
    body.update(body.bone(f"clavicle.{side}"))
    chest = body.orientation("spine01")
    reach = chest.T @ (goal - body.joint(f"upperarm01.{side}"))
    share = min(1.0, float(np.linalg.norm(reach)) / (0.33 * body.rest.height))
    direction = unit(reach) * share
    up = 26.0 * max(0.0, direction[2] + 0.15)
    ahead = 16.0 * max(0.0, -direction[1]) * share
    body.turn(f"clavicle.{side}", degrees(Z, -sign * ahead) @ degrees(Y, -sign * up))
    body.update(body.bone(f"clavicle.{side}"))


def _pose_arm(body: Body, side: str, upper: Array, lower: Array, hand: Array | None) -> None:
    above = body.orientation(f"shoulder01.{side}")
    a0 = body.rest_vector(f"upperarm01.{side}", f"lowerarm01.{side}")
    b0 = body.rest_vector(f"lowerarm01.{side}", f"wrist.{side}")
    half = rotation(unit(above.T @ upper @ a0), -0.5 * float(twist_angle(above.T @ upper, a0)))
    body.orient(f"upperarm01.{side}", above @ half @ above.T @ upper)
    body.orient(f"upperarm02.{side}", upper)
    body.orient(f"lowerarm01.{side}", lower)
    if hand is None:
        body.orient(f"lowerarm02.{side}", lower)
        body.orient(f"wrist.{side}", lower)
        return
    twist = float(twist_angle(lower.T @ hand, b0))
    body.orient(f"lowerarm02.{side}", lower @ rotation(b0, 0.6 * twist))
    body.orient(f"wrist.{side}", hand)


def _correct(body: Body, side: str, miss: Array) -> None:
    """Turn the upper and the lower arm slightly so that the wrist moves by `miss`, keeping the hand's rotation."""
    hand = body.orientation(f"wrist.{side}").copy()
    for name in (f"lowerarm01.{side}", f"upperarm01.{side}"):
        pivot = body.joint(name)
        wrist = body.joint(f"wrist.{side}")
        goal = wrist + (miss if name.startswith("upper") else 0.5 * miss)
        u, v = unit(wrist - pivot), unit(goal - pivot)
        axis = cross(u, v)
        angle = float(angle_between(u, v))
        if angle > 1e-8:
            body.orient(name, rotation(axis, angle) @ body.orientation(name))
        miss = goal - body.joint(f"wrist.{side}") if name.startswith("lower") else miss
    body.orient(f"wrist.{side}", hand)


def solve_leg(
    body: Body,
    side: str,
    ankle: ArrayLike,
    *,
    knee: ArrayLike | None = None,
    foot: Array | None = None,
) -> Solved:
    """Bring an ankle to a goal.

    Args:
        body: with its pelvis placed.
        side: ``"L"`` or ``"R"``.
        ankle: (3,) goal in the world.
        knee: (3,) direction in which the knee points; by default where the pelvis faces.
        foot: (3, 3) rotation of the foot against its rest pose; by default level, turned with the knee.
    """
    goal = np.asarray(ankle, np.float64)
    hip = body.joint(f"upperleg01.{side}")
    a0 = body.rest_vector(f"upperleg01.{side}", f"lowerleg01.{side}")
    b0 = body.rest_vector(f"lowerleg01.{side}", f"foot.{side}")
    upper, lower = float(np.linalg.norm(a0)), float(np.linalg.norm(b0))
    distance = float(np.linalg.norm(goal - hip))
    folded = float(np.sqrt(upper**2 + lower**2 + 2 * upper * lower * np.cos(np.radians(LIMITS["knee"]))))
    length = float(np.clip(distance, folded, 0.999 * (upper + lower)))
    line = unit(goal - hip)
    pelvis = body.orientation("root")
    ahead = pelvis @ FORWARD if knee is None else unit(knee)
    pole = frame(line, ahead + 1e-4 * Z)[:, 1]
    cosine = float(_bend(np.array(length), upper, lower))
    joint = hip + upper * (cosine * line + np.sqrt(1 - cosine**2) * pole)
    end = hip + length * line
    hinge = cross(pole, line)
    upper_turn = frame(joint - hip, hinge) @ frame(a0, X).T
    lower_turn = frame(end - joint, hinge) @ frame(b0, X).T
    relative = pelvis.T @ upper_turn
    half = rotation(unit(relative @ a0), -0.5 * float(twist_angle(relative, a0)))
    body.turn(f"pelvis.{side}", np.eye(3))
    body.update(body.bone(f"pelvis.{side}"))
    body.orient(f"upperleg01.{side}", pelvis @ half @ relative)
    body.orient(f"upperleg02.{side}", upper_turn)
    body.orient(f"lowerleg01.{side}", lower_turn)
    body.orient(f"lowerleg02.{side}", lower_turn)
    if foot is None:
        heading = vec(ahead[0], ahead[1], 0.0)
        foot = np.eye(3) if np.linalg.norm(heading) < 1e-6 else frame(-heading, Z)[:, [2, 0, 1]] @ _FOOT_AXES
    else:
        foot = _limited(lower_turn, foot)
    body.orient(f"foot.{side}", foot)
    flexion = float(_beyond(np.array(rotation_angle(lower_turn.T @ foot)), LIMITS["ankle"]))
    return Solved(max(0.0, distance - length), flexion, 0)


_FOOT_AXES = frame(Y, Z)[:, [2, 0, 1]].T


def _limited(shin: Array, foot: Array) -> Array:
    """The foot's rotation, held within the ankle's limit of the shin's."""
    relative = shin.T @ foot
    angle = float(np.degrees(rotation_angle(relative)))
    limit = LIMITS["ankle"] + 20
    return foot if angle <= limit else shin @ scaled_rotation(relative, limit / angle)
