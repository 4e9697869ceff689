"""Hands: where the palm is, and how the fingers close around something.

A way to hold is a `Grip` on the object; `hand_goals` turns it into wrist positions and hand rotations for
`limbs.solve_arm`, and `close_hand` bends the fingers afterwards.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from interplay.body.geometry import Array, cross, frame, orthogonal, rotation, unit, vec
from interplay.body.pose import Body
from interplay.world.objects.base import Grip, GripKind

FLESH = 0.0085
"""Half the thickness of an adult's finger, metres; scaled with the body's height."""

_KNUCKLE_LIMITS = (82.0, 100.0, 65.0)


@dataclass(frozen=True)
class HandShape:
    """One hand in the rest pose.

    Attributes:
        axes: (3, 3) columns: along the fingers, out of the palm, towards the thumb.
        palm: (3,) point on the palm's skin below the knuckles' middle, relative to the wrist.
        flesh: half the thickness of a finger.
    """

    axes: Array
    palm: Array
    flesh: float


def hand_shape(body: Body, side: str) -> HandShape:
    """Measure a hand of this person."""
    joint = {f: body.rest_vector(f"wrist.{side}", f"finger{f}-1.{side}") for f in range(2, 6)}
    along = unit(joint[3] + joint[4])
    thumbward = unit(joint[2] - joint[5])
    thumbward = unit(thumbward - (thumbward @ along) * along)
    sign = 1.0 if side == "L" else -1.0
    out = sign * cross(along, thumbward)
    middle = 0.25 * sum(joint.values())
    size = body.rest.height / 1.7
    palm = 0.80 * middle + out * 0.0155 * size
    return HandShape(np.stack([along, out, thumbward], 1), palm, FLESH * size)


def hand_goals(body: Body, side: str, grip: Grip, spins: int = 12) -> tuple[Array, Array]:
    """Wrist positions (K, 3) and hand rotations (K, 3, 3) that hold a grip given in the world."""
    hand = hand_shape(body, side)
    if grip.kind == "palm":
        assert grip.normal is not None
        base = orthogonal(grip.normal)
        turns = np.arange(spins) * (2 * np.pi / spins)
        along = rotation(np.broadcast_to(grip.normal, (spins, 3)), turns) @ base
        normals = np.broadcast_to(unit(grip.normal), along.shape)
    else:
        thumbs = [unit(grip.axis), -unit(grip.axis)] if grip.flip else [unit(grip.axis)]
        pairs = []
        for thumb in thumbs:
            for normal in _palm_normals(grip, thumb, spins):
                pairs.append((_fingers(normal, thumb, side), normal))
        along, normals = (np.array(x) for x in zip(*pairs, strict=True))
    sign = 1.0 if side == "L" else -1.0
    goal_axes = np.stack([along, normals, sign * cross(normals, along)], -1)
    hands = goal_axes @ hand.axes.T
    palm = grip.position - grip.radius * normals
    if grip.kind in ("slab", "pinch"):  # the edge lies in the fingers, not in the palm
        palm = palm - 0.055 * (hand.flesh / FLESH) * along
    return palm - hands @ hand.palm, hands


def _palm_normals(grip: Grip, thumb: Array, spins: int) -> list[Array]:
    if grip.normal is not None:
        return [unit(grip.normal - (grip.normal @ thumb) * thumb)]
    base = orthogonal(thumb)
    return [rotation(thumb, angle) @ base for angle in np.arange(spins) * (2 * np.pi / spins)]


def _fingers(normal: Array, thumb: Array, side: str) -> Array:
    """Finger direction for a palm that looks along `normal` with the thumb on the side of `thumb`."""
    return cross(thumb, normal) if side == "L" else cross(normal, thumb)


def close_hand(
    body: Body, side: str, kind: GripKind | Literal["relaxed", "fist", "flat"], radius: float = 0.015
) -> None:
    """Bend the fingers of a posed hand around something of the given half thickness."""
    hand = hand_shape(body, side)
    axes = hand.axes
    for finger in range(2, 6):
        rest, lengths = _phalanges(body, side, finger, axes)
        if kind == "bar":
            knuckle = axes.T @ (body.rest_vector(f"wrist.{side}", f"finger{finger}-1.{side}") - hand.palm)
            wanted = _wrap(knuckle[:2], lengths, radius, hand.flesh)
        elif kind == "fist":
            wanted = np.radians([75.0, 165.0, 220.0])
        elif kind in ("slab", "pinch"):
            wanted = np.radians(
                [18.0 if kind == "slab" else 48.0, 40.0 if kind == "slab" else 85.0, 62.0 if kind == "slab" else 105.0]
            )
        elif kind == "relaxed":
            wanted = np.radians([20.0, 48.0, 65.0]) + 0.06 * (finger - 2)
        else:
            wanted = np.radians([2.0, 5.0, 8.0])
        _bend_finger(body, side, finger, axes, wanted - rest)
    _bend_thumb(body, side, axes, kind, radius)


def _phalanges(body: Body, side: str, finger: int, axes: Array) -> tuple[Array, Array]:
    """Rest angles (3,) of a finger's bones towards the palm, and their lengths (3,)."""
    joints = [body.rest.joints[body.bone(f"finger{finger}-{i}.{side}")] for i in (1, 2, 3)]
    steps = [axes.T @ (joints[1] - joints[0]), axes.T @ (joints[2] - joints[1])]
    steps.append(steps[1] * 0.95)
    angles = np.array([np.arctan2(s[1], s[0]) for s in steps])
    angles[2] += np.radians(8)
    return angles, np.array([np.hypot(s[0], s[1]) for s in steps])


def _wrap(knuckle: Array, lengths: Array, radius: float, flesh: float) -> Array:
    """Angles (3,) at which a finger's bones lie tangent, one after the other, to a round bar in the palm.

    In the plane of the bend the palm's skin is y = 0 and the bar's centre is at (0, radius); the knuckle's bone
    runs inside the hand, at y below 0.
    """
    center = vec(0.0, radius)
    reach = radius + flesh
    point, previous = knuckle.copy(), 0.0
    angles = np.zeros(3)
    for i, length in enumerate(lengths):
        to_center = center - point
        distance = max(float(np.linalg.norm(to_center)), reach * 1.0005)
        direction = np.arctan2(to_center[1], to_center[0])
        angle = direction - np.arcsin(reach / distance)
        angle = np.unwrap([previous, angle])[1]
        angles[i] = np.clip(angle, previous - np.radians(5), previous + np.radians(_KNUCKLE_LIMITS[i]))
        point = point + length * vec(np.cos(angles[i]), np.sin(angles[i]))
        previous = angles[i]
    return angles


def _bend_finger(body: Body, side: str, finger: int, axes: Array, turns: Array) -> None:
    """Turn a finger's bones by cumulative angles (3,), in radians, towards the palm."""
    hinge = cross(axes[:, 0], axes[:, 1])
    previous = 0.0
    for i, turn in enumerate(turns, 1):
        body.turn(f"finger{finger}-{i}.{side}", rotation(hinge, turn - previous))
        previous = turn
    body.update(body.bone(f"wrist.{side}"))


def _bend_thumb(body: Body, side: str, axes: Array, kind: str, radius: float) -> None:
    along, out, thumbward = axes.T
    sign = 1.0 if side == "L" else -1.0
    oppose, flex = {
        "bar": (38.0, 30.0),
        "fist": (45.0, 45.0),
        "slab": (42.0, 6.0),
        "pinch": (45.0, 18.0),
        "flat": (-40.0, 0.0),
    }.get(kind, (0.0, 5.0))
    bone = unit(body.rest_vector(f"finger1-2.{side}", f"finger1-3.{side}"))
    hinge = unit(cross(bone, unit(0.4 * out - thumbward)))
    base = rotation(along, sign * np.radians(oppose))
    if kind == "bar" and radius > _SLIM:
        base, flex = _thumb_around(body, side, axes, hinge, radius)
    body.turn(f"finger1-1.{side}", base)
    for i, share in _THUMB_SHARE.items():
        body.turn(f"finger1-{i}.{side}", rotation(hinge, np.radians(flex * share)))
    body.update(body.bone(f"wrist.{side}"))


_SLIM = 0.02
"""Half thickness of a bar in metres up to which the thumb closes over the fingers."""
_THUMB_SHARE = {2: 0.6, 3: 1.0}
"""How the bend of a thumb is shared by its outer joints."""


def _thumb_around(body: Body, side: str, axes: Array, hinge: Array, radius: float) -> tuple[Array, float]:
    """Rotation (3, 3) of the thumb's base and its bend in degrees with which it lies against a thick bar.

    As in `_wrap` the bar runs across the hand; of a grid of postures the one is taken whose points are nearest to
    the bar's skin, being inside counting more than being off.
    """
    along, out, thumbward = axes.T
    sign = 1.0 if side == "L" else -1.0
    hand = hand_shape(body, side)
    start = body.rest_vector(f"wrist.{side}", f"finger1-1.{side}") - hand.palm - radius * out
    bones = [body.rest_vector(f"finger1-{i}.{side}", f"finger1-{i + 1}.{side}") for i in (1, 2)]
    best, chosen = np.inf, (np.eye(3), 0.0)
    for lift in (0, 15, 30, 45, 60, 75):
        for oppose in (-15, 0, 15, 30, 45):
            base = rotation(thumbward, -sign * np.radians(lift)) @ rotation(along, sign * np.radians(oppose))
            for flex in (-10.0, 10.0, 30.0):
                second = base @ rotation(hinge, np.radians(flex * _THUMB_SHARE[2]))
                third = second @ rotation(hinge, np.radians(flex * _THUMB_SHARE[3]))
                joint = start + base @ bones[0]
                middle = joint + second @ bones[1]
                tip = middle + 0.9 * third @ bones[1]
                points = np.stack([joint, 0.5 * (joint + middle), middle, 0.5 * (middle + tip), tip])
                gap = np.hypot(points @ along, points @ out) - radius - 1.15 * hand.flesh
                cost = float((np.where(gap < 0, 5.0, 1.0) * gap**2).sum())
                cost += 1e-4 * (np.radians(lift) ** 2 + np.radians(oppose) ** 2)
                if cost < best:
                    best, chosen = cost, (base, flex)
    return chosen


def palm_frame(body: Body, side: str) -> Array:
    """(4, 4) of a posed hand: origin on the palm's skin, axes along the fingers, out of the palm, and their cross."""
    hand = hand_shape(body, side)
    turn = body.orientation(f"wrist.{side}")
    axes = turn @ frame(hand.axes[:, 0], hand.axes[:, 1])
    out = np.eye(4)
    out[:3, :3] = axes
    out[:3, 3] = body.joint(f"wrist.{side}") + turn @ hand.palm
    return out


def relax_hands(body: Body) -> None:
    """Both hands half open, as when they hold nothing."""
    for side in "LR":
        close_hand(body, side, "relaxed")
        body.update(body.bone(f"wrist.{side}"))
