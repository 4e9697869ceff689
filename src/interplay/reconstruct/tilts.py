"""How objects of a category stand: those that hardly tilt when people use them, however they are turned."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from interplay.body.geometry import Array
from interplay.errors import InputError
from interplay.ops.backends import to_numpy

LEAST_SPREAD = 0.2
"""Radians, of any category: what is thought to be up in a photograph comes from a fitted body, which may lean."""

_GENERATED: dict[str, float] = {
    "backpack": 0.084,
    "bed": 0.000,
    "bench": 0.000,
    "bicycle": 0.052,
    "chair": 0.050,
    "couch": 0.000,
    "dining table": 0.000,
    "dog": 0.000,
    "handbag": 0.000,
    "horse": 0.000,
    "laptop": 0.077,
    "motorcycle": 0.073,
    "oven": 0.000,
    "refrigerator": 0.000,
    "snowboard": 0.165,
    "tie": 0.207,
    "tv": 0.000,
}
"""Category: the root mean square of the tilt in radians.

Source: objects that somebody uses in scenes of the generated world, ``python experiments/object_tilts.py``: categories
of which none tilts by more than 20 degrees, and whose longest side is at least a third of a metre; smaller things are
taken in the hand and turned anyhow in the real world.
"""


@dataclass(frozen=True)
class Upright:
    """How an object stands or lies ready for use.

    Attributes:
        axis: (3,) of the object, in the frame of its vertices, which is up then.
        up: (3,) against gravity, in the frame of the person's vertices.
        spread: radians by which objects of its kind are tilted usually.
    """

    axis: Any
    up: Any
    spread: float

    def of_units(self) -> Upright:
        """With arrays of length 1.

        Raises:
            InputError: directions that are none, or a spread that is not positive.
        """
        if not self.spread > 0:
            raise InputError(f"upright.spread: expected a positive number of radians, got {self.spread}")
        return Upright(_unit(self.axis, "upright.axis"), _unit(self.up, "upright.up"), self.spread)


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


def _unit(direction: Any, name: str) -> Array:
    vector = to_numpy(direction).astype(np.float64)
    length = float(np.linalg.norm(vector))
    if vector.shape != (3,) or not 0 < length < np.inf:
        raise InputError(f"{name}: expected three finite numbers that are not all 0, got {vector.tolist()}")
    return np.asarray(vector / length)
