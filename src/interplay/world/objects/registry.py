"""Category name -> how to make one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from interplay.body.meshes import Mesh, refine
from interplay.errors import InputError, near_matches

from .base import ObjectModel

Factory = Callable[..., ObjectModel]

FACTORIES: dict[str, Factory] = {}
"""Every category that can be made, by COCO's name (and a few unlabelled props)."""


def register(category: str) -> Callable[[Factory], Factory]:
    """Decorator: this function makes objects of a category."""

    def add(factory: Factory) -> Factory:
        FACTORIES[category] = factory
        return factory

    return add


def make_object(
    category: str,
    rng: np.random.Generator,
    library: Mapping[str, ObjectModel] | None = None,
    *,
    fine: bool = True,
    **options: Any,
) -> ObjectModel:
    """One individual of a category.

    Args:
        category: a name in `FACTORIES`.
        rng: draws its proportions and colours.
        library: the user's own objects, which take the place of ours (see `user_meshes`).
        fine: whether long edges are split, so that labels on vertices mean something.
        options: of the category's factory.

    Raises:
        InputError: an unknown category.
    """
    factory = FACTORIES.get(category)
    if factory is None:
        raise InputError(f"no object can be made for {category!r}.{near_matches(category, FACTORIES)}")
    model = factory(rng, **options)
    if library and category in library:
        return library[category]
    if not fine:
        return model
    return replace(model, mesh=refined(model.mesh))


def refined(mesh: Mesh) -> Mesh:
    """The same surface with vertices as close together as labels on them need."""
    return refine(mesh, spacing(mesh))


def spacing(mesh: Mesh) -> float:
    """The longest edge, in metres, that `refined` leaves."""
    low, high = mesh.bounds()
    return float(np.clip((high - low).max() / 16, 0.012, 0.08))
