"""Contact: which vertices of a body touch which object, the ground, and the other way round."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .geometry import Array
from .model import PARTS

CONTACT = 0.01
"""Metres between two surfaces within which they touch."""

DEPTH = 0.04
"""Metres by which flesh may sink into what it rests on and still count as touching it."""


@dataclass(frozen=True)
class Contact:
    """One person touching one object, or the ground.

    Attributes:
        human: index of the person: into the scene's people, or the boxes of a sample.
        object: index of the object: into the scene's objects, or the boxes; None for the ground.
        body_vertices: indices of the body's vertices in contact, ascending.
        object_vertices: indices of the object's vertices in contact, ascending; empty for the ground.
        parts: names of the body parts (`body.model.PARTS`) that touch, most vertices first.
        nearest: smallest distance of a body vertex to the object's surface, metres; negative inside.
    """

    human: int
    object: int | None
    body_vertices: NDArray[np.int64]
    object_vertices: NDArray[np.int64]
    parts: tuple[str, ...]
    nearest: float


def touching(distance: Array) -> NDArray[np.int64]:
    """Indices of the vertices that touch, from their signed distances in metres."""
    return np.nonzero((distance <= CONTACT) & (distance >= -DEPTH))[0]


def part_names(parts: NDArray[np.int64]) -> tuple[str, ...]:
    """Names of the body parts among indices into `PARTS`, the most frequent first."""
    counts = np.bincount(parts, minlength=len(PARTS))
    order = np.argsort(-counts, kind="stable")
    return tuple(PARTS[i] for i in order if counts[i])
