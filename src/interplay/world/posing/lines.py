"""Leads and kite strings: thin props between a hand and something else, which are not labelled."""

from __future__ import annotations

import numpy as np

from interplay.body.geometry import Array, unit, vec
from interplay.body.materials import Color, Material, srgb
from interplay.body.meshes import tube
from interplay.world.objects import ObjectModel
from interplay.world.scene import Person, SceneObject

from .group import Group
from .hands import palm_frame

CATEGORY = "line"
"""Not a category of COCO's, so that no box is made for it."""


def fist_center(person: Person, side: str, radius: float = 0.012) -> Array:
    """(3,) the middle of what a closed hand holds."""
    palm = palm_frame(person.body, side)
    return palm[:3, 3] + radius * palm[:3, 1]


def add_line(
    group: Group, start: Array, end: Array, sag: float = 0.0, thickness: float = 0.004, color: Color | None = None
) -> SceneObject:
    """A line from one point of the world to another that hangs through by `sag` metres in its middle."""
    share = np.linspace(0.0, 1.0, 9)[:, None]
    path = start + share * (end - start) - 4 * sag * share * (1 - share) * vec(0, 0, 1)
    material = Material(color or srgb(*(int(x) for x in group.rng.integers(20, 150, 3))))
    span = float(np.linalg.norm(end - start))
    mesh = tube(path - start, thickness, material, segments=5, spacing=max(0.05, span / 24))
    pose = np.eye(4)
    pose[:3, 3] = start
    return group.add(ObjectModel(CATEGORY, mesh), pose)


def hanging_end(start: Array, towards: Array, length: float) -> Array:
    """(3,) where a loose end of a line hangs that leaves `start` a little `towards` a direction."""
    return start + length * unit(0.25 * unit(towards) - vec(0, 0, 1))
