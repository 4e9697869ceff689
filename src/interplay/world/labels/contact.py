"""Contact: which vertices of a body touch which thing, the ground, and the other way round.

Distances are measured between the surfaces as they are rendered: bodies with their clothes on.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from interplay.body.geometry import Array
from interplay.body.model import PARTS
from interplay.body.proximity import signed_distance
from interplay.world.scene import Scene

CONTACT = 0.01
"""Metres between two surfaces within which they touch."""

DEPTH = 0.04
"""Metres by which flesh may sink into what it rests on and still count as touching it."""


@dataclass(frozen=True)
class Contact:
    """One person touching one thing, or the ground.

    Attributes:
        person: index into the scene's people.
        thing: index into the scene's things, None for the ground.
        body: indices of the body's vertices in contact, ascending.
        object: indices of the thing's vertices in contact, ascending; empty for the ground.
        parts: names of the body parts (`body_model.PARTS`) that touch, most vertices first.
        nearest: smallest distance of a body vertex to the thing's surface, metres; negative inside.
    """

    person: int
    thing: int | None
    body: NDArray[np.int64]
    object: NDArray[np.int64]
    parts: tuple[str, ...]
    nearest: float


def find_contacts(scene: Scene) -> list[Contact]:
    """All contacts of a scene: person by person, things in their order, then the ground (the plane z = 0)."""
    found = []
    count = len(scene.people)
    for i, person in enumerate(scene.people):
        body, faces = scene.posed[i], person.body.model.faces
        for k, thing in enumerate(scene.things):
            shape = scene.posed[count + k]
            distance = signed_distance(body, shape, thing.model.mesh.faces, DEPTH)
            mine = touching(distance)
            if not len(mine):
                continue
            theirs = touching(signed_distance(shape, body, faces, DEPTH))
            parts = part_names(person.body.model.part[mine])
            found.append(Contact(i, k, mine, theirs, parts, float(distance.min())))
        height = body[:, 2]
        ground = np.nonzero((height <= CONTACT) & (height >= -DEPTH))[0]
        if len(ground):
            parts = part_names(person.body.model.part[ground])
            found.append(Contact(i, None, ground, np.zeros(0, np.int64), parts, float(height.min())))
    return found


def touching(distance: Array) -> NDArray[np.int64]:
    """Indices of the vertices that touch, from their signed distances in metres."""
    return np.nonzero((distance <= CONTACT) & (distance >= -DEPTH))[0]


def part_names(parts: NDArray[np.int64]) -> tuple[str, ...]:
    """Names of the body parts among indices into `PARTS`, the most frequent first."""
    counts = np.bincount(parts, minlength=len(PARTS))
    order = np.argsort(-counts, kind="stable")
    return tuple(PARTS[i] for i in order if counts[i])
