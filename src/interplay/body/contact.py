"""Contact: which vertices of a body touch which thing, the ground, and the other way round."""

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


def touching(distance: Array) -> NDArray[np.int64]:
    """Indices of the vertices that touch, from their signed distances in metres."""
    return np.nonzero((distance <= CONTACT) & (distance >= -DEPTH))[0]


def part_names(parts: NDArray[np.int64]) -> tuple[str, ...]:
    """Names of the body parts among indices into `PARTS`, the most frequent first."""
    counts = np.bincount(parts, minlength=len(PARTS))
    order = np.argsort(-counts, kind="stable")
    return tuple(PARTS[i] for i in order if counts[i])
