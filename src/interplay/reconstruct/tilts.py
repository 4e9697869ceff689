"""How objects of a category stand: those that hardly tilt when people use them, however they are turned."""

from __future__ import annotations

import math

LEAST_SPREAD = 0.2
"""Radians, of any category: what is thought to be up in a photograph comes from a fitted body, which may lean."""

_GENERATED: dict[str, float] = {
    "backpack": 0.084,
    "bed": 0.000,
    "bench": 0.000,
    "bicycle": 0.052,
    "chair": 0.049,
    "couch": 0.000,
    "dining table": 0.000,
    "dog": 0.000,
    "handbag": 0.000,
    "horse": 0.000,
    "keyboard": 0.000,
    "laptop": 0.077,
    "motorcycle": 0.073,
    "oven": 0.000,
    "refrigerator": 0.000,
    "snowboard": 0.188,
    "tie": 0.207,
    "tv": 0.000,
}
"""Category: the root mean square of the tilt in radians.

Source: objects that somebody uses in scenes of the generated world, ``python experiments/object_tilts.py``: categories
of which none tilts by more than 20 degrees, and whose longest side is at least a third of a metre; smaller things are
taken in the hand and turned anyhow in the real world.
"""


def usual_tilt(category: str) -> float | None:
    """By how many radians objects of a category are tilted usually; None if that is not known, or anyhow.

    Example:
        >>> usual_tilt("bench")
        0.2
        >>> usual_tilt("tennis racket") is None
        True
    """
    if category not in _GENERATED:
        return None
    return math.hypot(_GENERATED[category], LEAST_SPREAD)
