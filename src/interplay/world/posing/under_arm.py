"""Carrying flat, long objects under an arm: a hand hooks the lower edge, the upper edge is in the armpit."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, X, Y, Z, apply, degrees, unit, vec
from interplay.world.objects.base import Grip
from interplay.world.scene import Person, SceneObject

from .group import Group
from .handling import heading, reach
from .stances import side_sign


def hand_goal(person: Person, side: str, low: float = 0.315, out: float = 0.075) -> Array:
    """(3,) where a hand carries something under the arm: `low` and `out` of the shoulder, in body heights."""
    body, h = person.body, person.rest.height
    return body.joint(f"upperarm01.{side}") + h * (heading(person) @ vec(side_sign(side) * out, -0.01, -low))


def edge_grip(object: SceneObject, inwards: Array, along: float = 0.0) -> Grip:
    """A grip, in the world, on the lower edge of a board that stands on edge.

    Args:
        object: a board along its own y, placed so that its x is about vertical.
        inwards: (3,) from the hand towards the carrier.
        along: where on the board's length the hand is, metres along its own y.
    """
    turn = object.pose[:3, :3]
    near = np.abs(object.model.mesh.vertices[:, 1] - along) < 0.1
    local = object.model.mesh.vertices[near]
    down = -X if turn[2, 0] > 0 else X
    half = float(np.max(local @ down))
    side = Z if turn[:, 2] @ inwards < 0 else -Z
    middle = local[np.abs(local[:, 0]) < 0.6 * half] if half > 0 else local
    face = float(np.max(middle @ side)) * side
    return Grip(apply(object.pose, half * down + along * Y + face), turn @ Y, -turn @ side, 0.004, "slab", flip=False)


def hook(group: Group, person: Person, side: str, object: SceneObject, along: float = 0.0) -> Array:
    """Hook a hand under the lower edge of a board that is in place; returns (3,) by how far the wrist missed."""
    inwards = -side_sign(side) * heading(person)[:, 0]
    grip = edge_grip(object, inwards, along)
    down = -object.pose[:3, 0] if object.pose[2, 0] > 0 else object.pose[:3, 0]
    thumb = np.cross(down, inwards) if side == "R" else np.cross(inwards, down)
    axis = grip.axis if grip.axis @ thumb > 0 else -grip.axis
    elbow = heading(person) @ vec(side_sign(side), 0.4, -0.3)
    grip = Grip(grip.position, axis, grip.normal, grip.radius, "slab", flip=False)
    return reach(person, side, grip, elbow_hint=elbow)[1]


def on_edge(side: str, tilt: float, ahead: Array) -> Array:
    """(3, 3) rotation of a board whose nose points along `ahead`, on edge, its top tilted towards the carrier."""
    ahead = unit(ahead)
    across = unit(np.cross(ahead, Z))
    base = np.stack([np.cross(-ahead, across), -ahead, across], 1)
    return degrees(-ahead, -side_sign(side) * tilt) @ base


def carry_under_arm(
    group: Group,
    person: Person,
    side: str,
    object: SceneObject,
    tilt: float = 12.0,
    pitch: float = 0.0,
    along: float = 0.0,
    low: float = 0.315,
    out: float = 0.075,
) -> None:
    """Carry a board under one arm, its nose ahead and up by `pitch` degrees, the hand at `along` of its length.

    The hand is `low` body heights under the shoulder and `out` beside it; `tilt` degrees bring the upper edge into
    the armpit.
    """
    ahead = heading(person) @ degrees(X, -pitch) @ -Y
    pose = np.eye(4)
    pose[:3, :3] = on_edge(side, tilt, ahead)
    object.pose = pose
    inwards = -side_sign(side) * heading(person)[:, 0]
    pose = pose.copy()
    pose[:3, 3] = hand_goal(person, side, low, out) - edge_grip(object, inwards, along).position
    object.pose = pose
    miss = hook(group, person, side, object, along)
    object.pose = object.pose.copy()
    object.pose[:3, 3] += miss
    group.miss(f"hold {object.category}", 0.0)
