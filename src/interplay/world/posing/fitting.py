"""Objects in the size of who uses them, as bicycles, skis and bats are sold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from interplay.world.objects import ObjectModel, make_object
from interplay.world.objects.base import Grip, Spot
from interplay.world.scene import Person, SceneObject

from .group import Group

ADULT = 1.7
"""Height in metres of the person for whom the factories' sizes are right."""


def scaled(model: ObjectModel, factor: float) -> ObjectModel:
    """An object made larger or smaller, with its grips, spots and points."""
    grips: Mapping[str, Grip] = {
        name: replace(grip, position=factor * grip.position, radius=factor * grip.radius)
        for name, grip in model.grips.items()
    }
    spots: Mapping[str, Spot] = {
        name: replace(spot, position=factor * spot.position, size=(factor * spot.size[0], factor * spot.size[1]))
        for name, spot in model.spots.items()
    }
    points = {name: factor * point for name, point in model.points.items()}
    return replace(model, mesh=model.mesh.scaled(factor), grips=grips, spots=spots, points=points)


def make_fitted(
    group: Group,
    person: Person,
    category: str,
    least: float = 0.6,
    most: float = 1.1,
    share: float = 1.0,
    **options: Any,
) -> SceneObject:
    """A new object in a person's size.

    Args:
        group: to which it is added.
        person: who uses it.
        category: as in `make_object`.
        least, most: limits of the scale, which is the person's height over `ADULT`.
        share: of that scale, for an object that is small or large for its user.
        options: of the category's factory.
    """
    factor = share * float(np.clip(person.rest.height / ADULT, least, most))
    return group.add(scaled(make_object(category, group.rng, group.library, **options), factor))
