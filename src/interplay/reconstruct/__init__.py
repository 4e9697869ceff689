"""A person and an object together in 3D, from one photograph."""

from __future__ import annotations

from .camera import Intrinsics
from .fit import Fit, fit_object
from .show import Scene

__all__ = ["Fit", "Intrinsics", "Scene", "fit_object"]
