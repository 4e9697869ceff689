"""From one seed to a whole scene."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import numpy as np

from interplay.errors import InputError, near_matches

from .camera import Camera
from .geometry import unit, vec
from .interactions import acts as _acts  # noqa: F401  (fills ACTS)
from .interactions.group import Group
from .interactions.handling import relax
from .interactions.registry import ACTS, Act, perform
from .interactions.stances import stand
from .materials import Material, srgb
from .meshes import box
from .objects import ObjectModel
from .scene import Light, Scene


def sample_scene(
    seed: int,
    index: int,
    size: int = 384,
    *,
    library: Mapping[str, ObjectModel] | None = None,
    acts: Collection[str] | None = None,
) -> Scene:
    """One scene of the generated world.

    Args:
        seed: which world, 0 or more.
        index: which of its scenes, 0 or more; a scene does not depend on which others were made.
        size: longer side of the picture in pixels; changes nothing but the resolution.
        library: the user's own objects by category (`user_meshes.load_user_meshes`), which take the place of ours.
        acts: names of the acts that may occur; all of them by default.

    Raises:
        InputError: a negative seed or index, a size below 32, or an unknown act.
    """
    if seed < 0 or index < 0:
        raise InputError(f"seed and index must be 0 or more, got seed {seed} and index {index}")
    if size < 32:
        raise InputError(f"size must be at least 32 pixels, got {size}")
    chosen = _allowed(acts)
    rng = np.random.default_rng([seed, index])
    group = Group(rng, library=library)
    if chosen:
        perform(chosen[int(rng.integers(len(chosen)))], group)
    else:
        person = group.person()
        stand(group, person)
        relax(group, person)
    middle = group.people[0].vertices().mean(0)
    angle = rng.uniform(-1.0, 1.0)
    position = middle + rng.uniform(3.0, 5.0) * vec(np.sin(angle), -np.cos(angle), 0.1)
    return Scene(
        people=group.people,
        things=group.things,
        relations=group.relations,
        backdrop=[box((60, 60, 0.02), Material(srgb(110, 140, 80), "noise", srgb(90, 120, 60), 0.5), (0, 0, -0.01))],
        light=Light(unit(vec(-0.5, -0.7, 0.9)), (2.3, 2.2, 2.0), (0.62, 0.7, 0.85), (0.3, 0.32, 0.32)),
        horizon=srgb(205, 222, 238),
        zenith=srgb(96, 148, 214),
        camera=Camera.looking_at(position, middle, 1.2 * size, size, 3 * size // 4),
        setting="park",
    )


def _allowed(names: Collection[str] | None) -> list[Act]:
    if names is None:
        return list(ACTS.values())
    if unknown := [n for n in names if n not in ACTS]:
        raise InputError(f"unknown act {unknown[0]!r}.{near_matches(unknown[0], ACTS)}")
    return [a for a in ACTS.values() if a.name in set(names)]
