"""Eating out of the hand: fruit, sandwiches, pizza, hot dogs, donuts, carrots."""

from __future__ import annotations

from typing import Any

from interplay.world.places.kinds import PlaceKind
from interplay.world.posing.group import Builder, Group
from interplay.world.posing.handling import free_side, grasp
from interplay.world.posing.lips import bite, grip_for
from interplay.world.posing.placing import arm_cost
from interplay.world.posing.postures import SEATS, rest_hands, settle_anywhere

from .registry import act

INDOOR_AND_PARK: tuple[PlaceKind, ...] = ("living room", "kitchen", "office", "park", "street")


def _eat(category: str, **options: Any) -> Builder:
    """A recipe: food in one hand, or a sandwich in both, at the mouth."""

    def build(group: Group) -> None:
        person = group.person()
        posture = settle_anywhere(group, person, standing=0.65)
        side, rest = free_side(group)
        food = group.make(category, **options)
        bite(group, person, side, food)
        second = grip_for(food, rest)
        if category == "sandwich" and arm_cost(person, rest, food.model.grips[second].moved(food.pose)) < 1.5:
            grasp(group, person, rest, food, second)
        else:
            rest_hands(group, person, posture, rest)
        group.relate(person, "hold,eat", food, "bite")

    return build


for _category in ("apple", "orange", "banana", "carrot", "donut", "hot dog", "sandwich"):
    _article = "an" if _category[0] in "ao" else "a"
    act(f"eat {_article} {_category}", {**SEATS, _category: ("hold", "eat")}, INDOOR_AND_PARK, weight=0.5)(
        _eat(_category)
    )
act("eat a slice of pizza", {**SEATS, "pizza": ("hold", "eat")}, INDOOR_AND_PARK, weight=0.6)(
    _eat("pizza", slice_only=True)
)
