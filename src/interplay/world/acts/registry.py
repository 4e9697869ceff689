"""Which things people do in the generated world, where they do them and how often."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

from interplay.errors import InputError
from interplay.world.posing.group import Group, Recipe

Setting = Literal["park", "street", "court", "beach", "snow", "living room", "bedroom", "kitchen", "office"]

SETTINGS: tuple[Setting, ...] = get_args(Setting)
"""The kinds of place; `scenes` builds them."""

OUTDOORS: tuple[Setting, ...] = ("park", "street", "court", "beach")
INDOORS: tuple[Setting, ...] = ("living room", "bedroom", "kitchen", "office")


@dataclass(frozen=True)
class Act:
    """Something people do, as a recipe with its place in the world.

    Attributes:
        name: unique, for people: ``"ride a bicycle"``.
        build: adds people and things to a group, and relates them.
        interactions: (verb, category) pairs, by the names of the `generated` vocabulary, that `build` may relate;
            the category is empty for a verb without object.
        settings: where it happens.
        weight: how often it is drawn, relative to others of the same setting.
        style: the clothes worn, see `wardrobe.random_outfit`.
        negative: nobody does anything with the things that are near: a hard negative for interactiveness.
    """

    name: str
    build: Recipe
    interactions: tuple[tuple[str, str], ...]
    settings: tuple[Setting, ...]
    weight: float = 1.0
    style: str = "casual"
    negative: bool = False


ACTS: dict[str, Act] = {}
"""Every act by name; importing `interactions.acts` fills it."""


def act(
    name: str,
    interactions: dict[str, str | tuple[str, ...]],
    settings: tuple[Setting, ...],
    weight: float = 1.0,
    style: str = "casual",
    negative: bool = False,
) -> Callable[[Recipe], Recipe]:
    """Decorator: this recipe is an act.

    Args:
        name: unique, for people.
        interactions: category -> verb or verbs that the recipe may relate; ``""`` for verbs without object.
        settings, weight, style, negative: as in `Act`.

    Raises:
        InputError: the name is taken, or a setting unknown.
    """
    if unknown := set(settings) - set(SETTINGS):
        raise InputError(f"act {name!r}: unknown settings {sorted(unknown)}; expected some of {', '.join(SETTINGS)}")
    pairs = tuple(
        (verb, category)
        for category, verbs in interactions.items()
        for verb in ((verbs,) if isinstance(verbs, str) else verbs)
    )

    def add(build: Recipe) -> Recipe:
        if name in ACTS:
            raise InputError(f"the act {name!r} is there already")
        ACTS[name] = Act(name, build, pairs, settings, weight, style, negative)
        return build

    return add


def perform(chosen: Act, group: Group) -> Group:
    """Run an act's recipe and check that it did nothing that it had not announced.

    Raises:
        InputError: the recipe relates a verb and category that the act does not list.
    """
    chosen.build(group)
    for relation in group.relations:
        category = "" if relation.thing is None else group.things[relation.thing].category
        if (relation.verb, category) not in chosen.interactions:
            raise InputError(f"the act {chosen.name!r} does not list {relation.verb!r} with {category or 'nothing'!r}")
    return group
