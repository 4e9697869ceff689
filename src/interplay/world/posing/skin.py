"""Places on a posed body's surface: mouth, ears, the lap, the chest."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, apply, transform, unit, vec
from interplay.body.model import PARTS
from interplay.world.scene import Person

_LIPS = vec(0.0, -0.163, 1.6485)
"""Between the lips of the average adult; the front of the face is at y below -0.1."""


def skin_point(
    person: Person, base: Array, direction: Array, radius: float = 0.03, parts: tuple[str, ...] | None = None
) -> Array:
    """(3,) where a ray from inside the body leaves it, clothes included.

    Args:
        person: posed.
        base: (3,) where the ray starts.
        direction: (3,) where it goes.
        radius: vertices that are no further than this from the ray count, metres.
        parts: names of `PARTS` that count; all by default.
    """
    vertices = person.vertices()
    if parts is not None:
        vertices = vertices[np.isin(person.body.model.part, [PARTS.index(p) for p in parts])]
    direction = unit(direction)
    along = (vertices - base) @ direction
    beside = np.linalg.norm(vertices - base - along[:, None] * direction, axis=1)
    close = beside < max(radius, float(beside.min()) + 0.005)
    return base + direction * max(float(along[close].max()), 0.0)


def mouth(person: Person) -> tuple[Array, Array]:
    """(3,) point between the lips and (3,) direction in which the face looks."""
    model = person.body.model
    lips = np.linalg.norm(model.template.vertices - _LIPS, axis=1) < 0.02
    return _on_head(person, person.rest.vertices[lips].mean(0) - vec(0, 0.003, 0)), _head_turn(person) @ vec(0, -1, 0)


def ear(person: Person, side: str) -> tuple[Array, Array]:
    """(3,) point on an ear and (3,) direction out of it; `side` is ``"L"`` or ``"R"``."""
    row = person.body.model.keypoints[3 if side == "L" else 4]
    out = vec(1.0 if side == "L" else -1.0, 0, 0)
    return _on_head(person, row @ person.rest.vertices), _head_turn(person) @ out


def eyes(person: Person) -> Array:
    """(3,) the middle between the eyes."""
    return _on_head(person, person.body.model.keypoints[1:3].mean(0) @ person.rest.vertices)


def head_frame(person: Person) -> Array:
    """(3, 3) columns: to the head's left, to its back, to its crown."""
    return _head_turn(person)


def lap(person: Person, side: str, share: float = 0.6) -> tuple[Array, Array]:
    """(3,) point on top of a thigh, a share of the way from hip to knee, and (3,) the surface's direction."""
    body = person.body
    hip, knee = body.joint(f"upperleg01.{side}"), body.joint(f"lowerleg01.{side}")
    along = unit(knee - hip)
    up = vec(0, 0, 1) - along[2] * along
    name = ("left" if side == "L" else "right") + " thigh"
    return skin_point(person, hip + share * (knee - hip), up, 0.025, (name,)), unit(up)


def chest_front(person: Person, up: float = 0.0, left: float = 0.0) -> tuple[Array, Array]:
    """(3,) point on the front of the trunk and (3,) the direction out of it.

    `up` and `left`, in body heights, start from the middle of the chest.
    """
    turn = person.body.orientation("spine01")
    base = person.body.joint("spine01") + person.rest.height * (turn @ vec(left, 0.0, up))
    out = turn @ vec(0, -1, 0)
    return skin_point(person, base, out, 0.02, ("chest", "belly", "neck", "hips")), out


def _head_turn(person: Person) -> Array:
    return person.body.orientation("head")


def _on_head(person: Person, rest_point: Array) -> Array:
    """A point of the rest pose's head in the world."""
    start = person.rest.joints[person.body.bone("head")]
    return apply(transform(_head_turn(person), person.body.joint("head")), rest_point - start)
