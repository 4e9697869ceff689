"""The places where the generated world's people are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from .indoors import room
from .kinds import PlaceKind
from .nature import beach, park, snow
from .place import Edge, Place, Weather
from .town import field, street, tennis_court

__all__ = ["Edge", "Place", "Weather", "make_place"]

_OUTDOORS: dict[PlaceKind, Callable[[np.random.Generator, float], Place]] = {
    "park": park,
    "tennis court": tennis_court,
    "field": field,
    "beach": beach,
    "snow": snow,
}


def make_place(
    kind: PlaceKind, rng: np.random.Generator, clear: ArrayLike, afloat: bool = False, off_road: bool = False
) -> Place:
    """Surroundings of a kind, drawn at random.

    Args:
        kind: which.
        rng: source of randomness.
        clear: half the width and half the depth (or both in one number) of a rectangle about the origin that stays
            free of the backdrop, metres; outdoors, a circle around it stays free.
        afloat: at the beach, whether the origin lies on the water.
        off_road: in the street, whether all of the free circle is on a pavement.
    """
    half = np.broadcast_to(np.asarray(clear, np.float64), 2)
    radius = float(half.max()) if np.ndim(clear) == 0 else float(np.linalg.norm(half))
    if kind == "beach":
        return beach(rng, radius, afloat)
    if kind == "street":
        return street(rng, radius, off_road)
    make = _OUTDOORS.get(kind)
    return room(rng, kind, half) if make is None else make(rng, radius)
