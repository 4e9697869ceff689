"""The places where the generated world's people are."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from interplay.datasets.synthetic.interactions.registry import Setting

from .indoors import room
from .nature import beach, park, snow
from .place import Edge, Place, Weather
from .town import court, street

__all__ = ["Edge", "Place", "Weather", "make_place"]

_OUTDOORS: dict[Setting, Callable[[np.random.Generator, float], Place]] = {
    "park": park,
    "street": street,
    "court": court,
    "beach": beach,
    "snow": snow,
}


def make_place(setting: Setting, rng: np.random.Generator, clear: float, afloat: bool = False) -> Place:
    """Surroundings of a kind, drawn at random.

    Args:
        setting: the kind.
        rng: source of randomness.
        clear: radius about the origin, metres, that stays free of the backdrop.
        afloat: at the beach, whether the origin lies on the water.
    """
    if setting == "beach":
        return beach(rng, clear, afloat)
    make = _OUTDOORS.get(setting)
    return room(rng, setting, clear) if make is None else make(rng, clear)
