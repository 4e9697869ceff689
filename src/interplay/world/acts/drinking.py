"""Drinking out of cups, glasses and bottles; opening and pouring."""

from __future__ import annotations

from interplay.world.places.kinds import INDOORS
from interplay.world.posing.group import Group
from interplay.world.posing.handling import free_side
from interplay.world.posing.lips import drink_from
from interplay.world.posing.postures import SEATS, rest_hands, settle_anywhere

from .registry import act


@act("drink from a cup", {**SEATS, "cup": ("hold", "drink with", "sip")}, (*INDOORS, "park"))
def drink_cup(group: Group) -> None:
    """A cup at the lips."""
    _drink(group, "cup", "hold,drink with,sip")


@act("drink from a wine glass", {**SEATS, "wine glass": ("hold", "drink with", "sip")}, ("living room", "kitchen"))
def drink_wine(group: Group) -> None:
    """A wine glass at the lips."""
    _drink(group, "wine glass", "hold,drink with,sip")


@act(
    "drink from a bottle",
    {**SEATS, "bottle": ("hold", "drink with")},
    (*INDOORS, "park", "street", "tennis court", "field"),
)
def drink_bottle(group: Group) -> None:
    """A bottle at the lips."""
    _drink(group, "bottle", "hold,drink with")


def _drink(group: Group, category: str, verbs: str) -> None:
    person = group.person(adult=category == "wine glass")
    posture = settle_anywhere(group, person)
    side, rest = free_side(group)
    vessel = group.make(category)
    drink_from(group, person, side, vessel)
    rest_hands(group, person, posture, rest)
    group.relate(person, verbs, vessel, "mouth")
