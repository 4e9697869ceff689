"""The body's pose in few numbers: sixteen joints, each a rotation vector, and which way is up.

Anny has 104 bones. Fingers and toes keep a resting pose here, and the bones of the back, the neck and the upper arm
share one rotation each, as `interplay.body.pose` shares them. What is left is a vector of 51 numbers: for each of
`JOINTS` a rotation vector (axis times angle, radians) relative to the joint above it and in the axes of the rest pose,
then the unit vector that points up in the world, seen by the pelvis.
"""

from __future__ import annotations

import numpy as np

from .geometry import Array, Z, rotation, twist_angle, unit
from .pose import NECK_SHARE, SPINE_SHARE, Body

SIDES = ("L", "R")
JOINTS = (
    "spine",
    "neck",
    *(
        f"{joint}.{side}"
        for side in SIDES
        for joint in ("clavicle", "upperarm", "lowerarm", "wrist", "upperleg", "lowerleg", "foot")
    ),
)
"""Names of the joints that are fitted."""

ABOVE = {
    "spine": ("root", "spine01"),
    "neck": ("spine01", "head"),
    **{
        f"{joint}.{side}": (f"{above}.{side}" if above not in ("root", "spine01") else above, f"{below}.{side}")
        for side in SIDES
        for joint, above, below in (
            ("clavicle", "spine01", "shoulder01"),
            ("upperarm", "shoulder01", "upperarm02"),
            ("lowerarm", "upperarm02", "lowerarm01"),
            ("wrist", "lowerarm01", "wrist"),
            ("upperleg", "root", "upperleg02"),
            ("lowerleg", "upperleg02", "lowerleg01"),
            ("foot", "lowerleg01", "foot"),
        )
    },
}
"""For each joint the bones whose rotations it lies between."""

SIZE = 3 * len(JOINTS) + 3
"""Numbers of a pose."""

_MIRROR = np.array([1.0, -1.0, -1.0])  # of a rotation vector, in the plane x = 0


def pose_vector(body: Body) -> Array:
    """(51,) of a posed body."""
    out = [rotation_vector(body.orientation(above).T @ body.orientation(below)) for above, below in ABOVE.values()]
    return np.concatenate([*out, body.orientation("root").T @ Z])


def mirrored(vectors: Array) -> Array:
    """Poses (N, 51) with left and right exchanged."""
    joints = vectors[:, :-3].reshape(len(vectors), len(JOINTS), 3)
    half = (len(JOINTS) - 2) // 2
    order = [0, 1, *range(2 + half, len(JOINTS)), *range(2, 2 + half)]
    turned = (joints[:, order] * _MIRROR).reshape(len(vectors), -1)
    return np.concatenate([turned, vectors[:, -3:] * [-1.0, 1.0, 1.0]], 1)


def rotation_vector(matrix: Array) -> Array:
    """(3,) axis times angle of a rotation (3, 3)."""
    from scipy.spatial.transform import Rotation

    return np.asarray(Rotation.from_matrix(matrix).as_rotvec(), np.float64)


def set_pose(body: Body, vector: Array) -> None:
    """Pose a body whose pelvis is placed: the opposite of `pose_vector`, but for the direction of up."""
    turns = {name: turned(vector[3 * k : 3 * k + 3]) for k, name in enumerate(JOINTS)}
    for name, shares in (("spine", SPINE_SHARE), ("neck", NECK_SHARE)):
        whole = vector[3 * JOINTS.index(name) :][:3]
        for bone, share in shares.items():
            body.turn(bone, turned(share * whole))
    for side in SIDES:
        body.turn(f"clavicle.{side}", turns[f"clavicle.{side}"])
        for long, next_bone in (("upperarm", "lowerarm01"), ("upperleg", "lowerleg01")):
            whole = turns[f"{long}.{side}"]
            along = body.rest_vector(f"{long}01.{side}", f"{next_bone}.{side}")
            # half of the twist in either half of the bone, so that the skin does not fold at the joint
            back = rotation(unit(along), -0.5 * float(twist_angle(whole, along)))
            body.turn(f"{long}01.{side}", whole @ back)
            body.turn(f"{long}02.{side}", back.T)
        body.turn(f"lowerarm01.{side}", turns[f"lowerarm.{side}"])
        hand = turns[f"wrist.{side}"]
        along = body.rest_vector(f"lowerarm01.{side}", f"wrist.{side}")
        twist = rotation(unit(along), 0.6 * float(twist_angle(hand, along)))
        body.turn(f"lowerarm02.{side}", twist)
        body.turn(f"wrist.{side}", twist.T @ hand)
        body.turn(f"lowerleg01.{side}", turns[f"lowerleg.{side}"])
        body.turn(f"foot.{side}", turns[f"foot.{side}"])
    body.update()


def turned(vector: Array) -> Array:
    """(3, 3) rotation of an axis times an angle."""
    return rotation(vector, float(np.linalg.norm(vector)))
