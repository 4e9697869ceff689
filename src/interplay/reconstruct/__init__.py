"""People and objects together in 3D, from one photograph."""

from __future__ import annotations

from .camera import Intrinsics
from .fit import Fit, fit_object
from .show import Scene
from .sizes import SizePrior, size_prior
from .tilts import Upright
from .together import SceneBody, SceneFit, SceneObject, ScenePair, fit_scene

__all__ = [
    "Fit",
    "Intrinsics",
    "Scene",
    "SceneBody",
    "SceneFit",
    "SceneObject",
    "ScenePair",
    "SizePrior",
    "Upright",
    "fit_object",
    "fit_scene",
    "size_prior",
]
