"""What people do in the generated world, where they do them and how often."""

from __future__ import annotations

from collections.abc import Callable, Collection
from dataclasses import dataclass

from interplay.errors import InputError, near_matches
from interplay.world.places.kinds import PLACE_KINDS, PlaceKind
from interplay.world.posing.group import Builder, Group


@dataclass(frozen=True)
class Act:
    """Something people do, as a recipe with its place in the world.

    Attributes:
        name: unique, for people: ``"ride a bicycle"``.
        build: adds people and objects to a group, and relates them.
        interactions: (verb, category) pairs, by the names of the `generated` vocabulary, that `build` may relate;
            the category is empty for a verb without object.
        places: where it happens.
        weight: how often it is drawn, relative to others of the same place.
        style: the clothes worn, see `wardrobe.random_outfit`.
        negative: nobody does anything with the objects that are near: a hard negative for interactiveness.
    """

    name: str
    build: Builder
    interactions: tuple[tuple[str, str], ...]
    places: tuple[PlaceKind, ...]
    weight: float = 1.0
    style: str = "casual"
    negative: bool = False


ACTS: dict[str, Act] = {}
"""Every act by name."""


def act(
    name: str,
    interactions: dict[str, str | tuple[str, ...]],
    places: tuple[PlaceKind, ...],
    weight: float = 1.0,
    style: str = "casual",
    negative: bool = False,
) -> Callable[[Builder], Builder]:
    """Decorator: this recipe is an act.

    Args:
        name: unique, for people.
        interactions: category -> verb or verbs that the recipe may relate; ``""`` for verbs without object.
        places, weight, style, negative: as in `Act`.

    Raises:
        InputError: the name is taken, or a kind of place unknown.
    """
    if unknown := set(places) - set(PLACE_KINDS):
        raise InputError(f"act {name!r}: unknown places {sorted(unknown)}; expected some of {', '.join(PLACE_KINDS)}")
    pairs = tuple(
        (verb, category)
        for category, verbs in interactions.items()
        for verb in ((verbs,) if isinstance(verbs, str) else verbs)
    )

    def add(build: Builder) -> Builder:
        if name in ACTS:
            raise InputError(f"the act {name!r} is there already")
        ACTS[name] = Act(name, build, pairs, places, weight, style, negative)
        return build

    return add


def find_acts(names: Collection[str] | None = None) -> list[Act]:
    """Acts by name, in the order of `ACTS`; all of them without names.

    Raises:
        InputError: an unknown act.
    """
    for name in names or ():
        if name not in ACTS:
            containing = [repr(known) for known in ACTS if name in known][:3]
            hint = near_matches(name, ACTS) or (f" Did you mean {' or '.join(containing)}?" if containing else "")
            raise InputError(
                f"unknown act {name!r}.{hint} 'interplay synthesize --acts help' lists all {len(ACTS)} acts"
            )
    return [act for act in ACTS.values() if names is None or act.name in names]


def perform(chosen: Act, group: Group) -> Group:
    """Run an act's recipe and check that it did nothing that it had not announced.

    Raises:
        InputError: the recipe relates a verb and category that the act does not list.
    """
    chosen.build(group)
    for relation in group.relations:
        category = "" if relation.object is None else group.objects[relation.object].category
        if (relation.verb, category) not in chosen.interactions:
            raise InputError(f"the act {chosen.name!r} does not list {relation.verb!r} with {category or 'nothing'!r}")
    return group
