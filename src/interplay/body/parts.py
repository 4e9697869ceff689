"""Named parts of bodies: 24 as DECO has them, and how they are said in words.

DECO (Tripathi et al., ICCV 2023) takes the part of each of SMPL's 24 joints: the vertices that the joint moves most.
Every body here has them, Anny by the names of its bones. In words they are merged to the 19 of
`interplay.body.model.PARTS`, and hips that touch from behind are buttocks.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from .geometry import Array
from .model import PARTS

DECO_PARTS = (
    *("hips", "left thigh", "right thigh", "belly", "left shin", "right shin", "midriff", "left foot", "right foot"),
    *("chest", "left toes", "right toes", "neck", "left shoulder", "right shoulder", "head"),
    *("left upper arm", "right upper arm", "left forearm", "right forearm", "left hand", "right hand"),
    *("left fingers", "right fingers"),
)
"""The 24 parts, in the order of SMPL's joints. A hand without fingers ends at the knuckles, a foot at the ball."""

DECO_NAMES = (
    *("hips", "leftUpLeg", "rightUpLeg", "spine", "leftLeg", "rightLeg", "spine1", "leftFoot", "rightFoot", "spine2"),
    *("leftToeBase", "rightToeBase", "neck", "leftShoulder", "rightShoulder", "head", "leftArm", "rightArm"),
    *("leftForeArm", "rightForeArm", "leftHand", "rightHand", "leftHandIndex1", "rightHandIndex1"),
)
"""The same parts by the names of the published segmentation of SMPL."""

FINGERS = ("index", "middle", "pinky", "ring", "thumb")
BONES = (*DECO_PARTS, *(f"{side} {name}{n}" for side in ("left", "right") for name in FINGERS for n in (1, 2, 3)))
"""What bodies have joints of: the 24 parts, and three for each finger in SMPL-H's order."""

_MERGED = {"midriff": "chest", "toes": "foot", "fingers": "hand"}
BUTTOCKS = "buttocks"
_BEHIND = 2 / 3
_LEAST_COVERAGE = 0.1


def part_of_bone(bone: str) -> str:
    """Which of `DECO_PARTS` one of `BONES` belongs to.

    Example:
        >>> part_of_bone("left index2"), part_of_bone("neck")
        ('left fingers', 'neck')
    """
    return bone if bone in DECO_PARTS else f"{bone.split()[0]} fingers"


def parent_of_bone(bone: str) -> str | None:
    """The next of `BONES` towards the hips, None for the hips.

    Example:
        >>> print(*map(parent_of_bone, ("left index2", "left index1", "left fingers", "left thigh")), sep=", ")
        left index1, left hand, left hand, hips
    """
    side, _, name = bone.partition(" ")
    if name[-1:].isdigit():
        return f"{side} hand" if name.endswith("1") else f"{side} {name[:-1]}{int(name[-1]) - 1}"
    above = {
        "hips": None, "belly": "hips", "midriff": "belly", "chest": "midriff", "neck": "chest", "head": "neck",
        "thigh": "hips", "shin": "thigh", "foot": "shin", "toes": "foot", "shoulder": "chest",
        "upper arm": "shoulder", "forearm": "upper arm", "hand": "forearm", "fingers": "hand",
    }  # fmt: skip
    parent = above[name or side]
    return parent if not name or parent in DECO_PARTS else f"{side} {parent}"


def merged_part(part: str) -> str:
    """Which of `interplay.body.model.PARTS` one of `DECO_PARTS` belongs to.

    Example:
        >>> merged_part("left toes"), merged_part("midriff"), merged_part("neck")
        ('left foot', 'chest', 'neck')
    """
    side, _, name = part.rpartition(" ")
    return f"{side} {_MERGED.get(name, name)}".lstrip()


def in_words(touched: NDArray[np.integer], part: NDArray[np.integer], normals: Array) -> tuple[str, ...]:
    """The body parts that touch: those of which at least a tenth of the vertices does, most vertices first.

    Where no part has that many, the one with most.

    Args:
        touched: indices of vertices.
        part: (N,) index of each vertex's part in `interplay.body.model.PARTS`.
        normals: (N, 3) directions of the surface of the body, facing +z.

    Returns:
        Names of `interplay.body.model.PARTS`; "buttocks" for hips of which two thirds of what touches faces back.
    """
    touched = np.asarray(touched, np.int64)
    if not len(touched):
        return ()
    here = np.bincount(part[touched], minlength=len(PARTS))
    whole = np.maximum(np.bincount(part, minlength=len(PARTS)), 1)
    order = np.argsort(-here, kind="stable")
    named = [index for index in order if here[index] >= _LEAST_COVERAGE * whole[index] and here[index]] or order[:1]
    hips = touched[part[touched] == PARTS.index("hips")]
    behind = len(hips) > 0 and float((normals[hips, 2] < 0).mean()) >= _BEHIND
    return tuple(BUTTOCKS if PARTS[index] == "hips" and behind else PARTS[index] for index in named)


def members(part: NDArray[np.integer], names: Sequence[str]) -> dict[str, NDArray[np.int64]]:
    """The vertices of each part, from the part (N,) of each vertex."""
    return {name: np.flatnonzero(part == index) for index, name in enumerate(names)}
